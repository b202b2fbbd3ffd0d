"""The key-value store: one protocol, and one module for each implementation."""
