"""The write path: everything that fetches, asks a model, and changes the store."""
