"""The HTTP operations of feeds, papers, digests, reviews and of running the wire."""
