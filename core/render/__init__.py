"""Entries to bytes: RSS, Atom, JSON Feed, JSON."""
