"""What Paperwire's claims of speed rest on: `python -m benchmarks`. Ratios count; absolute times are the machine's."""
