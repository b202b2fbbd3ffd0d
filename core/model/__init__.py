"""Values and pure functions: no I/O, no clock, no environment; the standard library only."""
