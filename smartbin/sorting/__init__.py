"""Sorting statistics: pure functions from sums to figures. docs/statistics.md defines each."""
