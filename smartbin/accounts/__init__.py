"""Households and enterprises under pseudonymous codes, and the cards they hold."""
