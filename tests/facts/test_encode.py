"""What is written: times as the standard library writes them, only faster; text to be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given

from smartbin.facts.events import Deposit, LevelReading
from smartbin.facts.wire import batch_of, event_of, payload_of

# With half and quarter hours, and Lord Howe's half hour of summer time.
NAMES = ["UTC", "Asia/Shanghai", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"]

AT_US = 1_763_899_200_000_000


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2037, 12, 31)),  # noqa: DTZ001 - bounds are naive
    st.integers(0, 999),
    st.sampled_from(NAMES),
)
def test_at_is_rfc_3339_in_the_zone(moment: datetime, rest_us: int, name: str) -> None:
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    at_us = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) + rest_us
    event = event_of([Deposit("bin-001", "kitchen", at_us, 5, seq=rest_us)], ZoneInfo(name))
    assert event["at"] == whole.astimezone(ZoneInfo(name)).isoformat(timespec="milliseconds")


def test_what_a_person_reads_is_not_escaped_and_an_unnamed_fault_is_the_sensors() -> None:
    assert payload_of({"firmware": "固件"}) == '{"firmware":"固件"}'.encode()
    reading = LevelReading("bin-001", "kitchen", AT_US + 7, None, None, 7)
    assert event_of([reading])["levels"] == [{"door": "kitchen", "fault": "sensor"}]


def test_what_cannot_be_a_message_is_an_error_of_the_program() -> None:
    unnumbered = Deposit("bin-001", "kitchen", AT_US, 5)
    with pytest.raises(ValueError, match=r"^the first fact of a message carries its seq$"):
        event_of([unnumbered])
    event = ("deposit", event_of([replace(unnumbered, seq=7)]))
    assert batch_of([event] * 500)
    with pytest.raises(ValueError, match=r"^a batch holds at most 500 events, not 501$"):
        batch_of([event] * 501)
