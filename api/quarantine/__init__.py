"""Refused messages, as the office sees them."""
