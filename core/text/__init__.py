"""Strings in, strings out: folding, sanitizing, Markdown, TeX."""
