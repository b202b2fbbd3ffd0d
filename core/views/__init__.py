"""The read path: from the archive to the content of an answer."""
