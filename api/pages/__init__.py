"""The web pages: one module for each, `html` makes them of the templates, the rest is shared."""
