"""The read path: from the store to what a request shows."""
