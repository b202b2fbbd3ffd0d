"""Paperwire over HTTP: one FastAPI application, and the entry points of the platforms."""
