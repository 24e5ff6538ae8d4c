"""Times are written as the standard library writes them, only faster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
from hypothesis import given

from smartbin.events import Deposit
from smartbin.wire import event_of

# With half and quarter hours, and Lord Howe's half hour of summer time.
NAMES = ["UTC", "Asia/Shanghai", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"]


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
