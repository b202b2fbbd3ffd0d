"""Where batches, scores and the manifest are kept: one protocol, one implementation a module."""
