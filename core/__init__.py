"""Paperwire: the wire itself, from fetching to publishing, independent of HTTP frameworks."""

__version__ = "0.1.0"
