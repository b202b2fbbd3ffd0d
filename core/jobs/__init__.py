"""The write path: all code that fetches, asks a model, or changes the store."""
