"""Devices: what each needs, and how a board shows it."""
