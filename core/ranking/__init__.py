"""Which papers a feed wants, and why."""
