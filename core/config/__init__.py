"""What the owner configures: the environment, feeds.toml, rules in a URL, and what was saved on the settings page."""
