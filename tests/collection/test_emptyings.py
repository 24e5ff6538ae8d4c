"""An emptying is one emptying, whoever reports it, how often, and in what order."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from smartbin.collection.rules import SAME_WITHIN_US, Confirmation, emptyings
from smartbin.core import calendar
from smartbin.facts.events import Collection

MINUTE_US = 60 * calendar.US_PER_S
START_US = 1_795_000_000_000_000


def scaled(minute: int, door: str = "kitchen") -> Collection:
    return Collection("bin-001", door, START_US + minute * MINUTE_US, 9_000, 1_000)


def confirmation(minute: int, by: str = "a", door: str = "kitchen") -> Confirmation:
    at_us = START_US + minute * MINUTE_US
    return Confirmation(f"{by}{minute}{door}", "r", by, "bin-001", door, at_us)


def test_the_bin_and_two_phones_tell_of_one_emptying() -> None:
    phones = [confirmation(2, "a"), confirmation(-3, "b")]
    (one,) = emptyings([scaled(0)], phones)
    assert one.reported == scaled(0)
    assert {c.crew for c in one.confirmed} == {"a", "b"}
    assert (one.at_us, one.weight_g) == (START_US, 8_000)


def test_two_phones_alone_tell_of_one() -> None:
    (one,) = emptyings([], [confirmation(0, "a"), confirmation(30, "b")])
    assert (one.reported, len(one.confirmed), one.weight_g) == (None, 2, None)


def test_another_door_and_a_later_time_are_other_emptyings() -> None:
    found = emptyings(
        [scaled(0)], [confirmation(1, door="residual"), confirmation(31), confirmation(62)]
    )
    assert [(e.key.door, len(e.confirmed)) for e in found] == [
        ("kitchen", 1),
        ("kitchen", 1),
        ("residual", 1),
        ("kitchen", 0),
    ]


def test_a_confirmation_belongs_to_the_nearest_report() -> None:
    found = emptyings([scaled(0), scaled(40)], [confirmation(25)])
    assert [(e.at_us - START_US, len(e.confirmed)) for e in found] == [(40 * MINUTE_US, 1), (0, 0)]


minutes = st.integers(0, 300)
doors = st.sampled_from(["kitchen", "residual"])


@given(
    st.lists(st.tuples(minutes, doors), max_size=12, unique=True),
    st.lists(st.tuples(minutes, st.sampled_from("abc"), doors), max_size=20, unique=True),
    st.randoms(),
)
def test_order_does_not_matter_and_nothing_is_lost_or_told_twice(
    bins: list[tuple[int, str]], people: list[tuple[int, str, str]], random: Random
) -> None:
    reports = [scaled(*one) for one in bins]
    told = [confirmation(*one) for one in people]
    found = emptyings(reports, told)
    shuffled = list(told)
    random.shuffle(shuffled)
    assert emptyings(reports[::-1], shuffled) == found
    assert sorted(c.id for e in found for c in e.confirmed) == sorted(c.id for c in told)
    assert sorted(e.reported.at_us for e in found if e.reported) == sorted(r.at_us for r in reports)
    for one in found:
        assert all(abs(c.at_us - one.at_us) <= SAME_WITHIN_US for c in one.confirmed)
