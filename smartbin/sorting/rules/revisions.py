"""What a day's figures were when they were published, and what has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from smartbin.facts.events import Category
from smartbin.sorting.rules.counts import NOTHING, ByCategory, Counts

Shown = Mapping[str, Mapping[str, int]]


def shown(by_category: ByCategory) -> Shown:
    """The counts as they are published: plain numbers by category and name."""
    return {kind.value: asdict(by_category.get(kind, NOTHING)) for kind in Category}


def counts_of(published: Shown) -> ByCategory:
    """The counts that were published."""
    return {kind: Counts(**published.get(kind.value, {})) for kind in Category}


def changed(before: ByCategory, now: ByCategory) -> Shown:
    """By category and name how much more there is now than before; what is equal is left out, so
    nothing changed is empty.
    """
    found: dict[str, Mapping[str, int]] = {}
    for kind in Category:
        more = asdict(now.get(kind, NOTHING) - before.get(kind, NOTHING))
        if named := {name: value for name, value in more.items() if value}:
            found[kind.value] = named
    return found
