"""What may be said of a window, each border from both sides, and what it is compared with."""

from __future__ import annotations

from smartbin.facts.events import Category, Item
from smartbin.sorting.rules import figures
from smartbin.sorting.rules.comparison import compare
from smartbin.sorting.rules.counts import Counts, ItemCounts
from smartbin.sorting.rules.limits import DEFAULT
from smartbin.sorting.rules.rates import Rate, WeightShare
from smartbin.sorting.rules.sufficiency import Insufficient, InsufficientWhy
from tests.sorting.counting import full, rate_of, values_of


def test_the_borders_of_what_may_be_said() -> None:
    nine, ten = full(Counts(9, 100, 9, 8)), full(Counts(10, 100, 10, 8))
    few = figures.figures(nine, 0.5, DEFAULT)
    assert few.insufficient == Insufficient(InsufficientWhy.JUDGED, 9, 10)
    assert few.accuracy is None
    assert few.kitchen_separation is not None
    enough = figures.figures(ten, 0.5, DEFAULT)
    assert enough.insufficient is None
    assert enough.accuracy == Rate(*values_of(rate_of(8, 10)), "judged deposits")
    unheard = figures.figures(ten, 0.4999, DEFAULT)
    assert unheard.insufficient == Insufficient(InsufficientWhy.COMPLETENESS, 0.4999, 0.5)
    ratios = (
        unheard.accuracy,
        unheard.kitchen_separation,
        unheard.kitchen_of_all,
        unheard.diversion,
    )
    assert ratios == (None,) * 4
    kitchen = unheard.by_category[Category.KITCHEN]
    assert (kitchen.share, kitchen.accuracy, kitchen.counts.deposits) == (None, None, 10)
    assert figures.figures(ten, None, DEFAULT).accuracy is not None, "nothing was to be heard"


def test_the_formulas_of_weight() -> None:
    said = figures.figures(
        {
            Category.KITCHEN: Counts(1, 300),
            Category.RECYCLABLE: Counts(1, 200),
            Category.HAZARDOUS: Counts(1, 400),
            Category.RESIDUAL: Counts(1, 100),
        },
        1.0,
        DEFAULT,
    )
    shares = (said.kitchen_separation, said.kitchen_of_all, said.diversion)
    assert [s and (s.value, s.part_g, s.whole_g) for s in shares] == [
        (0.75, 300, 400),
        (0.3, 300, 1000),
        (0.5, 500, 1000),
    ]
    assert [s and s.denominator for s in shares] == [
        "kitchen + residual weight_g",
        "weight_g of all categories",
        "weight_g of all categories",
    ]
    assert [c.share for c in said.by_category.values()] == [0.3, 0.2, 0.4, 0.1]
    items = {Item.PAPER: ItemCounts(1, 1), Item.GOODS_PACKAGING: ItemCounts(2, 3)}
    focus = figures.focus(items, 4, 1.0, DEFAULT)
    assert focus[Item.GOODS_PACKAGING] == (
        ItemCounts(2, 3),
        WeightShare(0.75, 3, 4, figures.RECYCLABLES),
    )
    assert (len(focus), focus[Item.EXPRESS_PACKAGING][0]) == (3, ItemCounts())
    unheard = figures.focus(items, 4, DEFAULT.completeness_min - 0.01, DEFAULT)
    assert unheard[Item.GOODS_PACKAGING] == (ItemCounts(2, 3), None)


def test_reasons_are_sentences_that_never_round_up() -> None:
    assert str(Insufficient(InsufficientWhy.COMPLETENESS, 0.4999, 0.5)) == (
        "heard in 49.9 % of the device-hours, at least 50 % are needed"
    )
    assert (
        str(Insufficient(InsufficientWhy.JUDGED, 9, 10))
        == "9 judged deposits, at least 10 are needed"
    )


def test_nothing_is_compared_with_too_little() -> None:
    heavy = figures.figures(full(Counts(10, 100, 10, 8)), 1.0, DEFAULT)
    light = figures.figures(full(Counts(10, 0, 9, 8)), 1.0, DEFAULT)
    for now, then in ((heavy, light), (light, heavy)):
        found = compare(now, then)
        assert (found.accuracy, found.kitchen_separation, found.diversion) == (None,) * 3
