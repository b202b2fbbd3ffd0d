"""The Model Context Protocol: its messages, and the tools and resources that assistants get; loaded when asked for.

The official SDK takes 28 MB with what it needs, so this is the subset that a server without sessions needs; the tests
speak to it with the SDK's client.
"""
