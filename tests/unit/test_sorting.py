"""What holds of every figure, whatever the counts: and the borders, each from both sides."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartbin import calendar
from smartbin.calendar import Days
from smartbin.errors import BadInput
from smartbin.events import Category, DoorKey, Item, Verdict
from smartbin.sorting import completeness, counts, figures, limits, rates
from smartbin.sorting.comparison import compare
from smartbin.sorting.completeness import Heard, SeqGaps
from smartbin.sorting.counts import Correction, Counts, ItemCounts
from smartbin.sorting.limits import DEFAULT, Limits
from smartbin.sorting.participation import participation
from smartbin.sorting.ranking import Measure, ranking, weighed
from smartbin.sorting.rates import Rate
from smartbin.sorting.sufficiency import Insufficient, Why
from smartbin.telemetry import DayPresence, DoorTotals, ItemTotals
from tests.places import SHANGHAI, small_registry
from tests.real import ROOT

DAY = date(2026, 11, 2)  # a Monday
WEEK = Days(DAY, DAY + timedelta(days=6))
NEXT_US = calendar.start_us(DAY + timedelta(days=30), SHANGHAI)
of_n = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def rate_of(count: int, n: int) -> Rate:
    found = rates.rate(count, n, "things")
    assert found
    return found


@given(of_n)
def test_wilsons_interval_holds_the_value_and_mirrors(count_of: tuple[int, int]) -> None:
    count, n = count_of
    found, other = rate_of(count, n), rate_of(n - count, n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert math.isclose(found.low, 1 - other.high, abs_tol=1e-12)
    # It solves |p - low| = z sqrt(low (1 - low) / n), which is what Wilson asks of a bound.
    for bound in (found.low, found.high):
        spread = rates.Z_95 * math.sqrt(bound * (1 - bound) / n)
        assert math.isclose(abs(found.value - bound), spread, abs_tol=1e-9)


@given(of_n, st.integers(2, 50))
def test_more_evidence_narrows_and_more_correct_raises(
    count_of: tuple[int, int], times: int
) -> None:
    count, n = count_of
    found, more = rate_of(count, n), rate_of(count * times, n * times)
    assert more.high - more.low < found.high - found.low
    if count < n:
        better = rate_of(count + 1, n)
        assert better.low > found.low
        assert better.high > found.high or found.high == 1


@given(of_n, of_n)
def test_a_change_holds_its_value_and_turns_round(
    now: tuple[int, int], then: tuple[int, int]
) -> None:
    a, b = rate_of(*now), rate_of(*then)
    there, back = rates.change(a, b), rates.change(b, a)
    assert -1 <= there.low <= there.value <= there.high <= 1
    assert math.isclose(there.low, -back.high, abs_tol=1e-12)
    assert there.clear == back.clear == (there.low > 0 or there.high < 0)
    assert rates.change(a, a).clear is False


def test_newcombes_own_example() -> None:
    # R. G. Newcombe 1998, table II: 56/70 - 48/80, method 10: 0.0524 to 0.3339.
    found = rates.change(rate_of(56, 70), rate_of(48, 80))
    assert (round(found.low, 4), round(found.high, 4), found.clear) == (0.0524, 0.3339, True)


def test_weights_count_as_fewer_bags_the_more_they_differ() -> None:
    assert rates.effective(100, 0) == 100
    assert rates.effective(100, 1) == 50
    assert rates.effective(100, 2) == 20
    assert rates.share_interval(0.5, 100, 1) == rates.wilson(0.5, 50)
    low, high = rates.amount_interval(10, 200, 1)
    assert math.isclose(low * high, 100)
    assert math.isclose(high, 10 * math.exp(rates.Z_95 / 10))
    assert rates.rate(0, 0, "") is None
    assert rates.weight_share(0, 0, "") is None
    assert rates.weight_share(1, 4, "x") == rates.WeightShare(0.25, 1, 4, "x")


some = st.builds(
    lambda deposits, weight_g, judged, correct: Counts(
        deposits, weight_g, min(judged, deposits), min(correct, judged, deposits)
    ),
    *(st.integers(0, 500), st.integers(0, 10**6), st.integers(0, 500), st.integers(0, 500)),
)
by_day = st.lists(st.tuples(st.integers(0, 6), st.sampled_from(list(Category)), some), max_size=30)


@given(by_day, st.integers(0, 5))
def test_a_window_is_the_sum_of_its_parts(
    rows: list[tuple[int, Category, Counts]], cut: int
) -> None:
    registry = small_registry()
    totals = [
        DoorTotals(
            DoorKey("bin-001", kind),
            DAY + timedelta(days=n),
            *(c.deposits, c.weight_g, c.judged, c.correct),
        )
        for n, kind, c in rows
    ]
    fixes = [
        Correction(DoorKey("bin-001", kind), DAY + timedelta(days=n), 0, -1) for n, kind, _ in rows
    ]

    def tally(days: Days) -> counts.Tally:
        return counts.tally(totals, registry.doors_of_community("oak", days), corrections=fixes)

    whole = tally(WEEK)
    last = DAY + timedelta(days=cut)
    parts = [tally(Days(WEEK.first, last)), tally(Days(last + timedelta(days=1), WEEK.last))]
    assert counts.merge(part.total for part in parts) == whole.total
    assert counts.merge(whole.by_day.values()) == whole.total
    assert {**parts[0].by_day, **parts[1].by_day} == whole.by_day
    said = counts.in_all(whole.total)
    assert said.deposits == sum(c.deposits for _, _, c in rows)
    assert said.correct == sum(c.correct - 1 for _, _, c in rows)
    assert list(whole.total) == list(Category)
    doors = {id: registry.doors_of_community(id, WEEK) for id in ("oak", "elm")}
    beside = counts.tallies(totals, doors, fixes, by_day=True)
    assert beside["oak"] == whole
    assert counts.in_all(beside["elm"].total) == Counts()


def test_another_places_deposits_and_verdicts_are_left_out() -> None:
    doors = small_registry().doors_of_community("oak", Days(DAY, DAY))
    rows = [
        DoorTotals(DoorKey("bin-001", "kitchen"), DAY + timedelta(days=1), 1, 1, 1, 1),
        DoorTotals(DoorKey("bin-002", "kitchen"), DAY, 1, 1, 1, 1),
    ]
    fixes = [Correction(row.door, row.day, 1, 1) for row in rows]
    found = counts.tally(rows, doors, corrections=fixes)
    assert counts.in_all(found.total) == Counts()
    assert found.by_day == {}
    assert Counts(5, 6, 7, 8) - Counts(1, 2, 3, 4) == Counts(4, 4, 4, 4)


@pytest.mark.parametrize(
    ("device", "person", "fix"),
    [
        (None, Verdict.CORRECT, (1, 1)),
        (None, Verdict.INCORRECT, (1, 0)),
        (Verdict.CORRECT, Verdict.INCORRECT, (0, -1)),
        (Verdict.INCORRECT, Verdict.CORRECT, (0, 1)),
        (Verdict.CORRECT, Verdict.CORRECT, None),
        (Verdict.INCORRECT, Verdict.INCORRECT, None),
    ],
)
def test_a_correction_is_what_the_person_changes(
    device: Verdict | None, person: Verdict, fix: tuple[int, int] | None
) -> None:
    door = DoorKey("bin-001", "kitchen")
    found = counts.correct_by(door, DAY, device, person)
    assert (found and (found.judged, found.correct)) == fix


def full(kitchen: Counts, residual: Counts = counts.NOTHING) -> dict[Category, Counts]:
    return {**counts.complete({}), Category.KITCHEN: kitchen, Category.RESIDUAL: residual}


def test_the_borders_of_what_may_be_said() -> None:
    nine, ten = full(Counts(9, 100, 9, 8)), full(Counts(10, 100, 10, 8))
    few = figures.figures(nine, 0.5, DEFAULT)
    assert few.insufficient == Insufficient(Why.JUDGED, 9, 10)
    assert few.accuracy is None
    assert few.kitchen_separation is not None
    enough = figures.figures(ten, 0.5, DEFAULT)
    assert enough.insufficient is None
    assert enough.accuracy == Rate(*_of(rate_of(8, 10)), "judged deposits")
    unheard = figures.figures(ten, 0.4999, DEFAULT)
    assert unheard.insufficient == Insufficient(Why.COMPLETENESS, 0.4999, 0.5)
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


def _of(rate: Rate) -> tuple[float, float, float, int]:
    return rate.value, rate.low, rate.high, rate.n


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
    focus = figures.focus({Item.PAPER: ItemCounts(1, 1), Item.GOODS_PACKAGING: ItemCounts(2, 3)})
    assert focus[Item.GOODS_PACKAGING] == ItemCounts(2, 3)
    assert (len(focus), focus[Item.EXPRESS_PACKAGING]) == (3, ItemCounts())


def test_reasons_are_sentences_that_never_round_up() -> None:
    assert str(Insufficient(Why.COMPLETENESS, 0.4999, 0.5)) == (
        "heard in 49.9 % of the device-hours, at least 50 % are needed"
    )
    assert str(Insufficient(Why.JUDGED, 9, 10)) == "9 judged deposits, at least 10 are needed"


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
        assert of(by, completeness=0.49) == Insufficient(Why.COMPLETENESS, 0.49, 0.5)
        why = of(by, by_category=nothing)
        assert isinstance(why, Insufficient)
        assert why.why is (Why.JUDGED if by is Measure.ACCURACY else Why.WEIGHED)
    none = of(Measure.WEIGHT_PER_HOUSEHOLD, household_days=0)
    assert none == Insufficient(Why.HOUSEHOLDS, 0, 1)


def test_participation_and_its_borders() -> None:
    said = participation(100, 80, [1, 3, 4, 5, 0], 0.5, DEFAULT)
    assert (said.households, said.accounts, said.took_part, said.regular) == (100, 80, 4, 2)
    assert said.rate == Rate(*_of(rate_of(4, 100)), "registered households")
    assert said.regular_rate
    assert said.regular_rate.value == 0.02
    assert participation(5, 12, [1] * 12, 1.0, DEFAULT).households == 12, "more accounts than known"
    assert participation(100, 0, [], 1.0, DEFAULT).insufficient == Insufficient(Why.ACCOUNTS, 0, 1)
    small = participation(9, 9, [1], 1.0, DEFAULT)
    assert (small.insufficient, small.rate) == (Insufficient(Why.HOUSEHOLDS, 9, 10), None)
    assert participation(10, 1, [1], 1.0, DEFAULT).rate is not None
    unheard = participation(100, 80, [1], 0.49, DEFAULT)
    assert (unheard.insufficient, unheard.regular_rate) == (
        Insufficient(Why.COMPLETENESS, 0.49, 0.5),
        None,
    )


def heard(day: int, hours: int, messages: int, low: int, high: int) -> DayPresence:
    return DayPresence("bin-001", DAY + timedelta(days=day), hours, messages, low, high)


def test_completeness_counts_hours_in_service_until_now() -> None:
    rows = [heard(0, 24, 50, 1, 50), heard(1, 12, 50, 51, 100), heard(7, 24, 9, 101, 109)]
    devices = [("bin-001", WEEK), ("bin-002", Days(DAY, DAY))]
    now_us = calendar.start_us(DAY + timedelta(days=2), SHANGHAI) + 5 * calendar.US_PER_HOUR + 1
    found = completeness.presence(rows, devices, now_us, SHANGHAI)
    assert found.total == Heard(36, 24 + 24 + 5 + 24)
    assert found.by_day[DAY] == Heard(24, 48)
    assert found.by_day[WEEK.last] == Heard(0, 0)
    assert found.by_day[WEEK.last].share is None
    assert found.by_device == {"bin-001": Heard(36, 53), "bin-002": Heard(0, 24)}
    assert found.silent == ("bin-002",)
    both = completeness.heard_of(rows, {"oak": devices}, now_us, SHANGHAI)
    assert both == {"oak": found.total}


def test_an_hour_that_runs_is_not_expected_and_not_counted() -> None:
    now_us = calendar.start_us(DAY, SHANGHAI) + 3 * calendar.US_PER_HOUR + 5
    rows = [heard(0, 4, 9, 1, 9)]
    found = completeness.presence(rows, [("bin-001", WEEK)], now_us, SHANGHAI)
    assert found.total == Heard(3, 3)
    assert completeness.heard_of(rows, {"x": [("bin-001", WEEK)]}, now_us, SHANGHAI)["x"] == Heard(
        3, 3
    )


def test_a_device_that_left_and_came_back_keeps_the_holes_of_both_spans() -> None:
    rows = [heard(0, 24, 8, 1, 10), heard(1, 24, 10, 11, 20), heard(4, 24, 7, 21, 30)]
    spans = [("bin-001", Days(DAY, DAY)), ("bin-001", Days(DAY + timedelta(days=4), WEEK.last))]
    found = completeness.presence(rows, spans, NEXT_US, SHANGHAI)
    assert found.gaps == {"bin-001": SeqGaps(2 + 3, 0)}
    assert found.by_device == {"bin-001": Heard(48, 24 + 72)}


def test_holes_are_counted_within_and_between_days() -> None:
    rows = [heard(0, 24, 10, 1, 10), heard(1, 24, 8, 13, 22), heard(2, 24, 5, 23, 27)]
    assert completeness.seq_gaps(rows, WEEK) == SeqGaps(2 + 2, 0)
    assert completeness.seq_gaps(rows, Days(DAY, DAY)) == SeqGaps(0, 0)
    assert completeness.seq_gaps(rows[:2], Days(DAY + timedelta(days=1), WEEK.last)) == SeqGaps(
        4, 0
    )


def test_a_counter_that_went_down_is_a_restart_and_no_hole() -> None:
    rows = [heard(0, 24, 10, 5000, 5009), heard(1, 24, 10, 0, 9), heard(2, 24, 9, 10, 19)]
    assert completeness.seq_gaps(rows, WEEK) == SeqGaps(1, 2)
    nightly = [heard(n, 24, 90, 0, 99) for n in range(5)]
    assert completeness.seq_gaps(nightly, WEEK) == SeqGaps(0, 5)


def test_a_counter_that_jumps_far_up_between_two_days_began_anew() -> None:
    rows = [heard(n, 24, 90, n * 100_000, n * 100_000 + 99) for n in range(3)]
    assert completeness.seq_gaps(rows, WEEK) == SeqGaps(10 * 3, 0)
    near = [heard(0, 24, 100, 0, 99), heard(1, 24, 100, 10_100, 10_199)]
    assert completeness.seq_gaps(near, WEEK) == SeqGaps(10_000, 0)


def test_limits_are_data_and_a_mistake_is_a_sentence(tmp_path: Path) -> None:
    assert limits.load(tmp_path) == DEFAULT
    assert limits.load(ROOT / "deploy/xinbei") == DEFAULT
    file = tmp_path / limits.FILE
    file.write_text("[sufficient]\njudged_min = 20\ncompleteness_min = 1\n", encoding="utf-8")
    assert limits.load(tmp_path) == Limits(judged_min=20, completeness_min=1)
    for text, words in (
        ("judged_mim = 3", "one table"),
        ("[sufficient]\njudged_mim = 3", "unknown limit 'judged_mim'"),
        ("[sufficient]\njudged_min = 0", "judged_min is 0"),
        ("[sufficient]\njudged_min = true", "judged_min is True"),
        ("[sufficient]\njudged_min = 2.5", "judged_min is 2.5"),
        ("[sufficient]\ncompleteness_min = 1.01", "it is a share"),
        ("[sufficient]\nweight_cv = -0.1", "from 0 to 10"),
        ("[sufficient]\nweight_cv = nan", "from 0 to 10"),
        ('[sufficient]\nweight_cv = "1"', "from 0 to 10"),
        ("[sufficient", "cannot be read"),
        ("sufficient = 3", "one table"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match=words) as mistake:
            limits.load(tmp_path)
        assert limits.FILE in str(mistake.value)
        assert "\n" not in str(mistake.value)


def test_borders_that_nothing_else_holds(tmp_path: Path) -> None:
    file = tmp_path / limits.FILE
    file.write_text("[sufficient]\njudged_min = 1\nweight_cv = 10\n", encoding="utf-8")
    assert limits.load(tmp_path) == Limits(judged_min=1, weight_cv=10)
    file.write_text("[sufficient]\nweight_cv = 0\n", encoding="utf-8")
    assert limits.load(tmp_path).weight_cv == 0
    around = completeness.around(WEEK)
    assert (around.first, around.last) == (date(2026, 11, 1), date(2026, 11, 9))
    same = [heard(0, 24, 10, 1, 10), heard(1, 24, 10, 10, 19)]
    assert completeness.seq_gaps(same, WEEK) == SeqGaps(0, 2), "the same number twice"
    paper = [ItemTotals(DoorKey("bin-001", d), Item.PAPER, 2, 30) for d in ("a", "b")]
    assert counts.items(paper) == {Item.PAPER: ItemCounts(4, 60)}
    heavy = figures.figures(full(Counts(10, 100, 10, 8)), 1.0, DEFAULT)
    light = figures.figures(full(Counts(10, 0, 9, 8)), 1.0, DEFAULT)
    for now, then in ((heavy, light), (light, heavy)):
        found = compare(now, then)
        assert (found.accuracy, found.kitchen_separation, found.diversion) == (None,) * 3
