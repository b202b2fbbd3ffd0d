"""Paperwire: the wire itself, from fetching to publishing, independent of HTTP frameworks."""

__version__ = "0.1.0"
# What this is, in the words of the README, the API's description and the command line
TAGLINE = "A personal arXiv wire."
ABOUT = (
    "It fetches the day's announcements, keeps the papers that match your interests, ranks them with reasons, has the "
    "best read by a language model if you give it one, learns from what you like, and serves the result as pages, RSS, "
    "Atom, JSON Feed, a JSON API and daily digests."
)
