"""How a window's figures differ from an earlier one's."""

from __future__ import annotations

from dataclasses import dataclass

from smartbin.sorting.rules.figures import Figures
from smartbin.sorting.rules.rates import Change, WeightShare, change


@dataclass(frozen=True, slots=True)
class Changes:
    """The later figures minus the earlier; None where one of the two says nothing. Shares of
    weight are measured whole, so their difference has no interval.
    """

    deposits: int
    weight_g: int
    accuracy: Change | None
    kitchen_separation: float | None
    diversion: float | None


def compare(now: Figures, then: Figures) -> Changes:
    """``now`` minus ``then``."""
    return Changes(
        now.counts.deposits - then.counts.deposits,
        now.counts.weight_g - then.counts.weight_g,
        change(now.accuracy, then.accuracy) if now.accuracy and then.accuracy else None,
        _difference(now.kitchen_separation, then.kitchen_separation),
        _difference(now.diversion, then.diversion),
    )


def _difference(now: WeightShare | None, then: WeightShare | None) -> float | None:
    return now.value - then.value if now and then else None
