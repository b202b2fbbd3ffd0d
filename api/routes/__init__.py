"""The HTTP operations on feeds, papers, digests, reviews and the wire itself."""
