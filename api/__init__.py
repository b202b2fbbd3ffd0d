"""Paperwire's HTTP face: one FastAPI application, and the entry points that platforms look for."""
