"""Refused messages, kept whole with the reason."""
