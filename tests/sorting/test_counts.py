"""Counts of a window: sums of its days, corrections, items."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartbin.core.calendar import Days
from smartbin.facts.events import Category, DoorKey, Item, Verdict
from smartbin.sorting.rules import counts
from smartbin.sorting.rules.counts import Counts, ItemCounts
from smartbin.telemetry import DoorTotals, ItemTotals
from smartbin.verdicts.rules import Correction, correct_by
from tests.places.small import small_registry
from tests.sorting.counting import DAY, WEEK

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
    found = correct_by(door, DAY, device, person)
    assert (found and (found.judged, found.correct)) == fix


def test_an_item_of_two_doors_is_one_sum() -> None:
    paper = [ItemTotals(DoorKey("bin-001", d), Item.PAPER, 2, 30) for d in ("a", "b")]
    assert counts.items(paper) == {Item.PAPER: ItemCounts(4, 60)}
