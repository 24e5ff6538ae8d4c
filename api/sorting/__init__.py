"""Sorting statistics: a community's, a place's, rankings, and what was published."""
