"""Logging, caches, signing."""
