"""Upstreams: fetching bytes politely, and parsing them into values."""
