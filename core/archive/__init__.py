"""The typed repository over the store: the only code that knows keys, codecs, times to live, locks and commits."""
