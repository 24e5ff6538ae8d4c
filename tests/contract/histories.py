"""Anything that devices may say and anything that may be asked, small and full of collisions.

Few devices, doors and instants: what is wrong with a store shows where facts meet, at one instant,
at a day's border, in the batch before.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import hypothesis.strategies as st

from smartbin.core.calendar import US_PER_DAY, US_PER_HOUR, Days, start_us
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DeviceState,
    DoorKey,
    Fact,
    Item,
    Judge,
    LevelReading,
    Span,
    Status,
    Verdict,
    identity,
)
from smartbin.telemetry import TelemetryReader, TelemetryWriter


class Question(NamedTuple):
    """What is asked of a store."""

    spans: list[Span]
    start_us: int
    end_us: int
    since_us: int
    limit: int
    threshold_pct: int


class Case(NamedTuple):
    """A zone, what is appended batch by batch, and a question."""

    zone: ZoneInfo
    batches: list[list[Fact]]
    question: Question


# Zones without and with changing clocks, and one whose offset is not a whole hour.
ZONES = [ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/London", "Asia/Kathmandu")]
DAYS = Days(date(2026, 3, 28), date(2026, 3, 30))  # London's clocks go forward on the 29th
DEVICES = ("bin-001", "bin-002")
DOORS = [DoorKey(device, door) for device in DEVICES for door in ("kitchen", "residual")]

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
maybe_text = st.none() | text.filter(bool)
percent, grams = st.integers(0, 100), st.integers(0, 3) | st.integers(0, 10**6)


def instants(zone: ZoneInfo) -> st.SearchStrategy[int]:
    """About the borders of the zone's days, in its hours, rarely anywhere."""
    days = st.integers(0, 3).map(lambda n: start_us(DAYS.first + timedelta(days=n), zone))
    hour_us = US_PER_HOUR
    within = st.sampled_from([-1, 0, 1, -hour_us, hour_us // 2, hour_us - 1, 2 * hour_us])
    anywhere = st.integers(0, 24 * hour_us)
    return st.builds(lambda day_us, us: day_us + us, days, within | within | anywhere)


def facts(draw: st.DrawFn, at_us: st.SearchStrategy[int]) -> st.SearchStrategy[Fact]:
    """Facts at some of the instants: of one kind or all kinds, of one door or all doors."""
    device = st.just(DEVICES[0]) if draw(st.booleans()) else st.sampled_from(DEVICES)
    door = st.just("kitchen") if draw(st.booleans()) else st.sampled_from(["kitchen", "residual"])
    seq = st.integers(0, 5) | st.integers(0, 2**32) | st.none()
    at = {"device": device, "at_us": at_us, "seq": seq}
    at_door = {**at, "door": door}
    kinds: list[st.SearchStrategy[Fact]] = [
        st.builds(
            LevelReading,
            **at_door,
            level_pct=st.sampled_from([79, 80, None]),
            fault=maybe_text,
        ),
        st.builds(
            Deposit,
            **at_door,
            weight_g=grams,
            verdict=st.none() | st.sampled_from(Verdict),
            judge=st.none() | st.sampled_from(Judge),
            item=st.none() | st.sampled_from([Item.PAPER, Item.GLASS]) | st.sampled_from(Item),
            account=maybe_text,
            volume_ml=st.none() | st.integers(1, 10**6),
        ),
        st.builds(Collection, **at_door, gross_g=grams, tare_g=grams, crew=maybe_text),
        st.builds(
            Status,
            **at,
            state=st.sampled_from(DeviceState),
            battery_pct=st.none() | percent,
            temperature_c=st.none() | st.integers(-40, 85),
            firmware=maybe_text,
        ),
        st.builds(
            Alarm,
            **{**at_door, "door": st.sampled_from(["", "kitchen"])},
            type=st.sampled_from([AlarmType.SMOKE, AlarmType.TILT]),
            active=st.booleans(),
        ),
    ]
    return draw(st.sampled_from([st.one_of(kinds), *kinds, kinds[0], *kinds[:2]]))


def windows(first: date, last: date) -> st.SearchStrategy[Days]:
    """Some days within some days."""
    return st.tuples(st.dates(first, last), st.dates(first, last)).map(
        lambda ends: Days(min(ends), max(ends))
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A history in batches that repeat, reach back and overlap, and a question about it."""
    zone = draw(st.sampled_from(ZONES))
    pool = draw(st.lists(instants(zone), min_size=2, max_size=10, unique=True))
    at_us = st.sampled_from(pool)
    least = draw(st.sampled_from([0, 8, 16]))
    # Of two facts with one identity a store may keep either, so a device states one.
    said = draw(st.lists(facts(draw, at_us), min_size=least, max_size=30))
    history = list({identity(fact): fact for fact in said}.values())
    cuts = sorted(draw(st.lists(st.integers(0, len(history)), max_size=3)))
    batches = [history[a:b] for a, b in zip([0, *cuts], [*cuts, len(history)], strict=True)]
    if history:
        repeated = draw(st.lists(st.sampled_from(history), max_size=10))
        batches.insert(draw(st.integers(0, len(batches))), repeated)
    start_us, end_us = min(pool), max(pool) + 1
    edges = at_us | st.builds(lambda at, more: at + more, at_us, st.sampled_from([-1, 1]))
    since_us = draw(edges)
    if draw(st.integers(0, 3)) == 0:
        start_us, end_us = sorted((draw(edges), draw(edges)))
    most = windows(DAYS.first - timedelta(days=1), DAYS.last)
    asked = [Span(door, draw(most)) for door in DOORS]
    more = draw(st.lists(st.sampled_from(DOORS), max_size=2))
    asked += [Span(door, draw(most)) for door in more]
    limit = draw(st.integers(1, 4) | st.just(50))
    threshold_pct = draw(st.sampled_from([79, 80, 80, 80]))
    return Case(zone, batches, Question(asked, start_us, end_us, since_us, limit, threshold_pct))


def tell(writer: TelemetryWriter, case: Case) -> None:
    """Append the batches."""
    for batch in case.batches:
        writer.append(batch)


def answers(reader: TelemetryReader, question: Question) -> object:
    """Every answer of the port."""
    asked, start, end, since_us, n, threshold_pct = question
    window = asked[0].days
    return (
        dict(reader.latest_levels(DOORS, since_us)),
        [list(reader.levels(device, start, end, n)) for device in DEVICES],
        dict(reader.full_since(dict.fromkeys(DOORS, threshold_pct), end, start)),
        list(reader.deposit_totals(asked, by_day=True)),
        list(reader.deposit_totals(asked, by_day=False)),
        list(reader.item_totals(asked)),
        list(reader.deposits(DOORS, start, end, n)),
        list(reader.collections(DOORS[1:], start, end, n)),
        dict(reader.latest_statuses(DEVICES)),
        list(reader.active_alarms(DEVICES)),
        list(reader.presence(DEVICES, window, since_us)),
        list(reader.presence(DEVICES, window, end + US_PER_DAY)),
        [list(reader.counters(device, start, end, 99)) for device in DEVICES],
    )
