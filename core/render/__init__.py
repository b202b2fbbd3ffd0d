"""Renders entries, digests and reviews as bytes: RSS, Atom, JSON Feed, JSON, HTML, Markdown."""
