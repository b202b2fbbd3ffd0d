"""The owner's configuration: the environment, feeds.toml, rules in a URL, and overrides from the settings page."""
