"""An adapter agrees with the model on anything: any facts, in any batches, any questions."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from smartbin.calendar import US_PER_HOUR, Days, start_us
from smartbin.events import (
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
    Status,
    Verdict,
    identity,
)
from smartbin.telemetry import Span, TelemetryReader, open_reader, open_writer
from tests.contract.model import Model
from tests.influx import Influx

# Zones without and with changing clocks, and one whose offset is no whole hour.
ZONES = [ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/London", "Asia/Kathmandu")]
DAYS = Days(date(2026, 3, 28), date(2026, 3, 30))  # London's clocks go forward on the 29th
DEVICES = ("bin-001", "bin-002")
DOORS = [DoorKey(device, door) for device in DEVICES for door in ("kitchen", "residual")]

# An example costs half a second on InfluxDB: a pair of buckets, four writes, a dozen questions.
INFLUX_EXAMPLES = int(os.environ.get("SMARTBIN_TEST_INFLUX_EXAMPLES", "30"))

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
maybe_text = st.none() | text.filter(bool)
instants = st.builds(
    lambda zone, day, hour, us: (
        start_us(DAYS.first + timedelta(days=day), zone) + hour * US_PER_HOUR + us
    ),
    st.sampled_from(ZONES),
    st.integers(0, 3),
    st.integers(-2, 2) | st.integers(0, 24),
    st.sampled_from([-1, 0, 1]) | st.integers(0, US_PER_HOUR - 1),
)
at = {
    "device": st.sampled_from(DEVICES),
    "at_us": instants,
    "seq": st.integers(0, 2**32) | st.none(),
}
at_door = {**at, "door": st.sampled_from(["kitchen", "residual"])}
percent, grams = st.integers(0, 100), st.integers(0, 10**6)
facts = st.one_of(
    st.builds(LevelReading, **at_door, level_pct=st.none() | st.integers(70, 90), fault=maybe_text),
    st.builds(
        Deposit,
        **at_door,
        weight_g=grams,
        verdict=st.none() | st.sampled_from(Verdict),
        judge=st.none() | st.sampled_from(Judge),
        item=st.none() | st.sampled_from(Item),
        account=maybe_text,
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
        type=st.sampled_from(AlarmType),
        active=st.booleans(),
    ),
)
# Of two facts with one identity a store may keep either, so a device states one.
histories = st.lists(facts, max_size=40, unique_by=identity)
spans = st.builds(
    lambda door, first, more: Span(door, Days(first, first + timedelta(days=more))),
    st.sampled_from(DOORS),
    st.dates(DAYS.first - timedelta(days=1), DAYS.last),
    st.integers(0, 3),
)


def answers(reader: TelemetryReader, asked: list[Span], ends: tuple[int, int], n: int) -> object:
    start, end = sorted(ends)
    window = asked[0].days if asked else DAYS
    return (
        dict(reader.latest_levels(DOORS, start)),
        [list(reader.levels(device, start, end, n)) for device in DEVICES],
        dict(reader.full_since(dict(zip(DOORS, (80, 80, 75, 90), strict=True)), end, start)),
        list(reader.deposit_totals(asked, by_day=True)),
        list(reader.deposit_totals(asked, by_day=False)),
        list(reader.item_totals(asked)),
        list(reader.deposits(DOORS, start, end, n)),
        list(reader.collections(DOORS[1:], start, end, n)),
        dict(reader.latest_statuses(DEVICES)),
        list(reader.active_alarms(DEVICES)),
        list(reader.presence(DEVICES, window)),
    )


def compare(
    url: str,
    token: str | None,
    zone: ZoneInfo,
    history: list[Fact],
    question: tuple[list[Span], tuple[int, int], int],
) -> None:
    """The store of ``url`` and the model are told the same and asked the same."""
    model = Model(zone)
    writer, reader = open_writer(url, zone, token), open_reader(url, zone, token)
    cut = len(history) // 2
    for batch in (history[cut:], history[:cut], history[cut // 2 :], []):
        model.append(batch)
        writer.append(batch)
    try:
        assert answers(reader, *question) == answers(model, *question)
    finally:
        reader.close()
        writer.close()


questions = st.tuples(
    st.lists(spans, max_size=4), st.tuples(instants, instants), st.integers(1, 50)
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), histories, questions)
def test_sqlite_agrees_with_the_model_on_anything(
    zone: ZoneInfo, history: list[Fact], question: tuple[list[Span], tuple[int, int], int]
) -> None:
    with TemporaryDirectory() as folder:
        compare(f"sqlite:///{Path(folder) / 'telemetry.db'}", None, zone, history, question)


@pytest.mark.real
@settings(max_examples=INFLUX_EXAMPLES, deadline=None)
@given(st.sampled_from(ZONES), histories, questions)
def test_influx_agrees_with_the_model_on_anything(
    influx_server: Influx,
    zone: ZoneInfo,
    history: list[Fact],
    question: tuple[list[Span], tuple[int, int], int],
) -> None:
    with influx_server.buckets() as url:
        compare(url, influx_server.token, zone, history, question)
