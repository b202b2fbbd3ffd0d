"""Language models: what they are asked, how, and what it costs."""
