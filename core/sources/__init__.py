"""Sources: fetch bytes from upstreams politely, and parse them into values."""
