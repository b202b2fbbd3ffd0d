"""Logging, caches and signatures."""
