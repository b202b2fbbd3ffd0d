"""The port to a queue that calls the next step of the pending work, and its adapters."""
