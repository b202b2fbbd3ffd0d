"""The command line: `paperwire …`."""
