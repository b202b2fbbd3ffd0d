"""Ranking: the scores of papers under a feed's rules, with reasons."""
