"""Digests as Markdown, HTML and JSON: a style makes blocks of a digest, and the blocks are written."""
