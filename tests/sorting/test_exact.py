"""Every field of what the statistics' rules answer: a name or a number in the wrong place shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput
from smartbin.facts.events import Category, DoorKey, Verdict
from smartbin.places import Community, CommunityKind, PlainBin, Registry
from smartbin.places.coverage import Coverage, Missing, Promise, coverage
from smartbin.sorting.rules import completeness, limits, rates
from smartbin.sorting.rules.comparison import Changes, compare
from smartbin.sorting.rules.completeness import Heard, SeqGaps
from smartbin.sorting.rules.counts import NOTHING, Counts, tallies
from smartbin.sorting.rules.figures import figures
from smartbin.sorting.rules.limits import DEFAULT
from smartbin.sorting.rules.participation import participation
from smartbin.sorting.rules.ranking import Measure, weighed
from smartbin.sorting.rules.rates import Rate
from smartbin.sorting.rules.revisions import changed, counts_of, shown
from smartbin.sorting.rules.sufficiency import Insufficient, InsufficientWhy
from smartbin.telemetry import DayPresence, DoorTotals
from smartbin.verdicts.rules import Correction, correct_by
from tests.places.small import SHANGHAI, small_registry
from tests.sorting.counting import gaps, rising

DAY = date(2026, 11, 2)  # a Monday
WEEK = Days(DAY, DAY + timedelta(days=6))
NEXT_US = calendar.start_us(DAY + timedelta(days=30), SHANGHAI)
KITCHEN, RECYCLABLE, HAZARDOUS, RESIDUAL = Category
ONE_DAY = Days(DAY, DAY)


def test_coverage_counts_what_is_in_service() -> None:
    registry = small_registry()
    found = {c.promise: (c.have, c.goal, c.short, len(c.missing)) for c in coverage(registry, DAY)}
    assert found == {
        Promise.COMMUNITIES: (2, 2, 0, 0),
        Promise.BINS: (2, 2, 0, 0),
        Promise.COLLECTION_POINTS: (1, 1, 0, 0),
        Promise.PLAIN_BINS: (1, 1, 0, 1),
    }
    before = coverage(registry, date(2019, 12, 31))
    communities, bins = before[0], before[1]
    assert (communities.have, communities.short) == (0, 0)
    oak, elm = communities.missing
    assert oak.lacks == (Category.KITCHEN, Category.RECYCLABLE, Category.HAZARDOUS)
    assert elm.lacks == tuple(Category)
    assert [missing.id for missing in bins.missing] == ["bin-001", "bin-002"]


def test_a_bin_out_of_service_is_expected_to_say_nothing() -> None:
    until = Days(date(2020, 1, 1), DAY + timedelta(days=1))
    registry = small_registry(served={"bin-001": until})
    assert [(d.id, days) for d, days in registry.bins_of("oak", WEEK)] == [
        ("bin-001", Days(DAY, DAY + timedelta(days=1)))
    ]
    assert registry.bins_of("oak", Days(DAY + timedelta(days=2), WEEK.last)) == []
    spans = registry.doors_of_community("oak", WEEK)
    assert {span.days for span in spans} == {Days(DAY, DAY + timedelta(days=1))}


def test_what_is_missing_is_named() -> None:
    """A community without plain bins, one whose bin left, a device that is not there yet."""
    until = Days(date(2020, 1, 1), DAY - timedelta(days=1))
    registry = small_registry(served={"bin-001": until, "point-01": until})
    every = tuple(Category)
    oak_lacks = (KITCHEN, RECYCLABLE, HAZARDOUS)
    assert coverage(registry, DAY) == [
        Coverage(Promise.COMMUNITIES, 1, 2, 0, (Missing("oak", "橡树社区", oak_lacks),)),
        Coverage(Promise.BINS, 1, 2, 0, (Missing("bin-001", "bin-001", ()),)),
        Coverage(Promise.COLLECTION_POINTS, 0, 1, 0, (Missing("point-01", "point-01", ()),)),
        Coverage(Promise.PLAIN_BINS, 1, 1, 0, (Missing("elm", "榆树社区", ()),)),
    ]
    nobody = small_registry(served=dict.fromkeys(("bin-001", "bin-002"), until))
    assert coverage(nobody, DAY)[0].missing == (
        Missing("oak", "橡树社区", oak_lacks),
        Missing("elm", "榆树社区", every),
    )


def test_a_communitys_bins_take_what_they_take_together() -> None:
    """Two bins of two doors each are as good as one of four; plain bins count too."""
    small = small_registry()
    doors = [
        door
        for device, kinds in (("bin-001", (KITCHEN,)), ("bin-002", (RECYCLABLE, HAZARDOUS)))
        for door in small.doors_of_device(device)
        if door.category in kinds
    ]
    registry = Registry(
        small.site,
        [Community("oak", "橡树社区", CommunityKind.SHOWCASE, "G1", 540, False, 0, 0)],
        list(small.devices.values()),
        doors,
        [PlainBin("plain-1", "oak", RESIDUAL, 240)],
        [replace(small.homes_of(bin_)[0], group="oak") for bin_ in ("bin-001", "bin-002")],
        [],
    )
    assert coverage(registry, DAY)[0].missing == ()
    assert coverage(registry, DAY)[0].short == 1


def test_a_comparison_is_the_later_less_the_earlier_in_every_figure() -> None:
    now = figures(
        {KITCHEN: Counts(50, 60_000, 40, 38), RESIDUAL: Counts(20, 40_000, 10, 9)}, 1.0, DEFAULT
    )
    then = figures(
        {
            KITCHEN: Counts(30, 20_000, 30, 24),
            RECYCLABLE: Counts(10, 30_000, 10, 9),
            RESIDUAL: Counts(9, 30_000, 9, 9),
        },
        1.0,
        DEFAULT,
    )
    assert now.accuracy
    assert then.accuracy
    found = compare(now, then)
    change = rates.change(now.accuracy, then.accuracy)
    separation, diversion = 60_000 / 100_000 - 20_000 / 50_000, 60_000 / 100_000 - 50_000 / 80_000
    assert found == Changes(21, 20_000, change, separation, diversion)
    unheard = figures({KITCHEN: Counts(50, 60_000, 40, 38)}, 0.1, DEFAULT)
    for pair in ((now, unheard), (unheard, now)):
        none = compare(*pair)
        assert (none.accuracy, none.kitchen_separation, none.diversion) == (None, None, None)
    assert compare(unheard, then).deposits == 1


def test_published_counts_are_read_as_they_were_written() -> None:
    before = {KITCHEN: Counts(3, 4_000, 2, 1), RESIDUAL: Counts(1, 900, 1, 1)}
    zero = {"deposits": 0, "weight_g": 0, "judged": 0, "correct": 0}
    assert shown(before) == {
        "kitchen": {"deposits": 3, "weight_g": 4_000, "judged": 2, "correct": 1},
        "recyclable": zero,
        "hazardous": zero,
        "residual": {"deposits": 1, "weight_g": 900, "judged": 1, "correct": 1},
    }
    assert counts_of(shown(before)) == {**before, RECYCLABLE: NOTHING, HAZARDOUS: NOTHING}
    assert counts_of({}) == dict.fromkeys(Category, NOTHING)
    now = {KITCHEN: Counts(4, 5_000, 2, 0), RECYCLABLE: Counts(1, 70, 0, 0)}
    assert changed(before, now) == {
        "kitchen": {"deposits": 1, "weight_g": 1_000, "correct": -1},
        "recyclable": {"deposits": 1, "weight_g": 70},
        "residual": {"deposits": -1, "weight_g": -900, "judged": -1, "correct": -1},
    }
    assert changed(now, now) == {}


def test_a_correction_names_its_deposit() -> None:
    door = DoorKey("bin-001", "kitchen")
    found = correct_by(door, DAY, Verdict.CORRECT, Verdict.INCORRECT)
    assert found == Correction(door, DAY, 0, -1)
    assert correct_by(door, DAY, None, Verdict.CORRECT) == Correction(door, DAY, 1, 1)
    assert correct_by(door, DAY, Verdict.CORRECT, Verdict.CORRECT) is None


def test_what_a_ranking_takes_is_whole() -> None:
    counted = {KITCHEN: Counts(30, 30_000, 20, 18), RESIDUAL: Counts(10, 10_000, 10, 9)}

    def of(measure: Measure, by: dict[Category, Counts] = counted, days: int = 100) -> object:
        return weighed(measure, by, 1.0, days, DEFAULT)

    assert of(Measure.ACCURACY) == Rate(0.9, *rates.wilson(0.9, 30), 30, "judged deposits")
    low, high = rates.share_interval(0.75, 40, DEFAULT.weight_cv)
    both = "kitchen + residual weight_g"
    assert of(Measure.KITCHEN_SEPARATION) == Rate(0.75, low, high, 40, both)
    low, high = rates.amount_interval(400.0, 40, DEFAULT.weight_cv)
    per_day = "households x days; value in weight_g"
    assert of(Measure.WEIGHT_PER_HOUSEHOLD) == Rate(400.0, low, high, 40, per_day)
    only = {KITCHEN: Counts(1, 1, 0, 0)}
    share = of(Measure.KITCHEN_SEPARATION, only)
    assert isinstance(share, Rate)
    assert (share.value, share.n) == (1.0, 1)
    share = of(Measure.KITCHEN_SEPARATION, {RESIDUAL: Counts(1, 1, 0, 0)})
    assert isinstance(share, Rate)
    assert (share.value, share.n) == (0.0, 1)
    gram = of(Measure.WEIGHT_PER_HOUSEHOLD, only, 1)
    assert isinstance(gram, Rate)
    assert gram.value == 1.0
    nothing = {RECYCLABLE: Counts(1, 5, 0, 0)}
    assert of(Measure.KITCHEN_SEPARATION, nothing) == Insufficient(InsufficientWhy.WEIGHED, 0, 1)
    assert of(Measure.WEIGHT_PER_HOUSEHOLD, {}) == Insufficient(InsufficientWhy.WEIGHED, 0, 1)
    assert of(Measure.WEIGHT_PER_HOUSEHOLD, only, 0) == Insufficient(
        InsufficientWhy.HOUSEHOLDS, 0, 1
    )
    assert of(Measure.ACCURACY, {}) == Insufficient(InsufficientWhy.JUDGED, 0, DEFAULT.judged_min)
    lenient = replace(DEFAULT, judged_min=0)
    assert weighed(Measure.ACCURACY, {}, 1.0, 1, lenient) == Insufficient(
        InsufficientWhy.JUDGED, 0, 1
    )


def test_participation_says_what_it_counted() -> None:
    three = replace(DEFAULT, days_min=3)
    found = participation(40, 30, [1, 2, 3, 7, 0], 1.0, three)
    assert (found.households, found.accounts, found.took_part, found.regular) == (40, 30, 4, 2)
    assert found.days_min == 3
    assert found.rate == rates.rate(4, 40, "registered households")
    assert found.regular_rate == rates.rate(2, 40, "registered households")


def row(device: str, day: date, messages: int, hours: int, low: int, high: int) -> DayPresence:
    return DayPresence(device, day, hours=hours, messages=messages, seq_min=low, seq_max=high)


def test_a_device_is_silent_only_when_no_day_of_it_was_heard() -> None:
    rows = [row("bin-001", DAY, 5, 3, 1, 5), row("bin-001", WEEK.last, 0, 0, 0, 0)]
    found = completeness.presence(
        rows, [("bin-001", WEEK), ("bin-002", WEEK)], NEXT_US, SHANGHAI, rising
    )
    assert found.silent == ("bin-002",)
    assert found.by_device == {"bin-001": Heard(3, 168), "bin-002": Heard(0, 168)}
    assert found.by_day[DAY] == Heard(3, 48)


def test_many_places_at_once_are_heard_as_each_alone() -> None:
    """The first and the last day are inside."""
    rows = [row("bin-001", day, 9, 10 + n, 1, 9) for n, day in enumerate(WEEK)]
    for days in (WEEK, ONE_DAY, Days(DAY + timedelta(days=2), WEEK.last)):
        places = {"oak": [("bin-001", days), ("bin-002", days)]}
        alone = completeness.presence(rows, places["oak"], NEXT_US, SHANGHAI, rising).total
        assert completeness.heard_of(rows, places, NEXT_US, SHANGHAI) == {"oak": alone}
        assert alone.hours == sum(10 + n for n, day in enumerate(WEEK) if day in days)


def test_a_day_of_another_length_has_its_hours() -> None:
    """Where clocks change; the hours are those of the site's zone."""
    spring = date(2026, 3, 29)
    berlin = ZoneInfo("Europe/Berlin")
    days = Days(spring, spring)
    now_us = calendar.start_us(spring + timedelta(days=2), berlin)
    found = completeness.presence([], [("bin-001", days)], now_us, berlin, rising)
    assert found.total == Heard(0, 23)


def test_a_single_gram_is_a_weight() -> None:
    found = figures({RECYCLABLE: Counts(1, 1, 0, 0)}, 1.0, DEFAULT)
    assert found.diversion == rates.WeightShare(1.0, 1, 1, "weight_g of all categories")
    assert found.kitchen_separation is None
    assert figures({}, 1.0, DEFAULT).diversion is None


def test_gaps_add_up_field_by_field() -> None:
    assert SeqGaps(1, 2) + SeqGaps(10, 20) == SeqGaps(11, 22)
    assert Heard(1, 2) + Heard(10, 20) == Heard(11, 22)


def test_a_jump_is_a_hole_when_the_counter_rose_into_that_day() -> None:
    """The order of the day before decides, not of the one before that."""
    days = [DAY + timedelta(days=n) for n in range(4)]
    restarted = [
        row("d", days[0], 5, 1, 100, 104),
        row("d", days[1], 5, 1, 1, 5),  # began anew
        row("d", days[2], 5, 1, 8, 12),
        row("d", days[3], 5, 1, 16, 20),
    ]
    assert gaps(restarted, days=Days(days[0], days[3])) == SeqGaps(2 + 3, 1)


def test_a_verdict_adds_no_weight_and_sums_have_no_days() -> None:
    doors = {"oak": small_registry().doors_of_community("oak", WEEK)}
    key = DoorKey("bin-001", "kitchen")
    totals = [DoorTotals(key, DAY, 3, 4_000, 2, 1)]
    (found,) = tallies(totals, doors, [Correction(key, DAY, 1, 1)], by_day=False).values()
    assert found.total[KITCHEN] == Counts(3, 4_000, 3, 2)
    assert found.by_day == {}


def test_counts_add_up_field_by_field() -> None:
    assert Counts(1, 2, 3, 4) + Counts(10, 20, 30, 40) == Counts(11, 22, 33, 44)


def test_an_interval_stays_a_share_where_rounding_would_leave_it() -> None:
    """All but one gram, in bags that differ as much as may be said."""
    assert rates.share_interval(909_925_048 / 909_925_049, 2_202, 10)[1] == 1.0


def test_a_change_whose_interval_touches_nothing_is_not_clear() -> None:
    more, less = Rate(0.5, 0.25, 0.5, 9, ""), Rate(0.25, 0.25, 0.25, 9, "")
    assert rates.change(more, less) == rates.Change(0.25, 0.0, 0.25, False)
    assert rates.change(less, more) == rates.Change(-0.25, -0.25, 0.0, False)


def test_a_file_of_limits_may_be_empty_and_says_what_is_known(tmp_path: Path) -> None:
    file = tmp_path / limits.FILE
    file.write_text("", encoding="utf-8")
    assert limits.load(tmp_path) == DEFAULT
    file.write_text("[sufficient]\nx = 1\n", encoding="utf-8")
    known = "judged_min, completeness_min, households_min, days_min, weight_cv, valid_weight_g"
    with pytest.raises(BadInput, match=rf"unknown limit 'x'; known are {known}$"):
        limits.load(tmp_path)
    file.write_text("[sufficient]\nweight_cv = 10.5\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"weight_cv is 10\.5; give a number from 0 to 10$"):
        limits.load(tmp_path)
