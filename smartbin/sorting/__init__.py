"""Sorting statistics."""
