"""Ranks by evidence, and who took part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smartbin.sorting.rules import counts, rates
from smartbin.sorting.rules.counts import Counts
from smartbin.sorting.rules.limits import DEFAULT
from smartbin.sorting.rules.participation import participation
from smartbin.sorting.rules.ranking import Measure, ranking, weighed
from smartbin.sorting.rules.rates import Rate
from smartbin.sorting.rules.sufficiency import Insufficient, InsufficientWhy
from tests.sorting.counting import full, of_n, rate_of, values_of


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), of_n, max_size=39))
def test_a_ranking_is_a_permutation_by_evidence(found: dict[str, tuple[int, int]]) -> None:
    ranked = ranking({id: rate_of(*count_of) for id, count_of in found.items()})
    assert sorted(r.community for r in ranked) == sorted(found)
    lows = [r.rate.low for r in ranked]
    assert lows == sorted(lows, reverse=True)
    first = None
    for position, place in enumerate(ranked, 1):
        if first is None or place.rank != first.rank:
            assert place.rank == position
            assert first is None or place.rate.high < first.rate.low
            first = place
        else:
            assert place.rate.high >= first.rate.low


def test_a_tie_reaches_the_first_of_its_group_exactly() -> None:
    def place(low: float, high: float) -> Rate:
        return Rate((low + high) / 2, low, high, 10, "x")

    places = {
        "b": place(0.8, 0.9),
        "a": place(0.8, 0.9),
        "c": place(0.6, 0.8),
        "d": place(0.5, 0.79),
    }
    assert [(r.community, r.rank) for r in ranking(places)] == [
        *(("a", 1), ("b", 1), ("c", 1)),
        ("d", 4),
    ]


def test_what_a_community_is_ranked_by() -> None:
    counted = full(Counts(30, 600, 20, 15), Counts(10, 200, 0, 0))

    def of(by: Measure, **changed: object) -> Rate | Insufficient:
        asked: dict[str, object] = {
            "by_category": counted, "completeness": 1.0, "household_days": 8, "limits": DEFAULT
        }  # fmt: skip
        return weighed(by, **{**asked, **changed})  # type: ignore[arg-type]

    accuracy, kitchen = of(Measure.ACCURACY), of(Measure.KITCHEN_SEPARATION)
    weight = of(Measure.WEIGHT_PER_HOUSEHOLD)
    assert isinstance(accuracy, Rate)
    assert (accuracy.value, accuracy.n) == (0.75, 20)
    assert isinstance(kitchen, Rate)
    assert (kitchen.value, kitchen.n, kitchen.low) == (0.75, 40, rates.wilson(0.75, 20)[0])
    assert isinstance(weight, Rate)
    assert (weight.value, weight.n) == (100, 40)
    nothing = counts.complete({})
    for by in (Measure.ACCURACY, Measure.KITCHEN_SEPARATION, Measure.WEIGHT_PER_HOUSEHOLD):
        assert of(by, completeness=0.49) == Insufficient(InsufficientWhy.COMPLETENESS, 0.49, 0.5)
        why = of(by, by_category=nothing)
        assert isinstance(why, Insufficient)
        assert why.why is (
            InsufficientWhy.JUDGED if by is Measure.ACCURACY else InsufficientWhy.WEIGHED
        )
    none = of(Measure.WEIGHT_PER_HOUSEHOLD, household_days=0)
    assert none == Insufficient(InsufficientWhy.HOUSEHOLDS, 0, 1)


def test_participation_and_its_borders() -> None:
    said = participation(100, 80, [1, 3, 4, 5, 0], 0.5, DEFAULT)
    assert (said.households, said.accounts, said.took_part, said.regular) == (100, 80, 4, 2)
    assert said.rate == Rate(*values_of(rate_of(4, 100)), "registered households")
    assert said.regular_rate
    assert said.regular_rate.value == 0.02
    assert participation(5, 12, [1] * 12, 1.0, DEFAULT).households == 12, "more accounts than known"
    assert participation(100, 0, [], 1.0, DEFAULT).insufficient == Insufficient(
        InsufficientWhy.ACCOUNTS, 0, 1
    )
    small = participation(9, 9, [1], 1.0, DEFAULT)
    assert (small.insufficient, small.rate) == (
        Insufficient(InsufficientWhy.HOUSEHOLDS, 9, 10),
        None,
    )
    assert participation(10, 1, [1], 1.0, DEFAULT).rate is not None
    unheard = participation(100, 80, [1], 0.49, DEFAULT)
    assert (unheard.insufficient, unheard.regular_rate) == (
        Insufficient(InsufficientWhy.COMPLETENESS, 0.49, 0.5),
        None,
    )
