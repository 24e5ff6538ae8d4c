"""Facts to bytes, for programs that play a device: the simulator and the tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from smartbin.core import calendar
from smartbin.facts.columns import COLUMNS
from smartbin.facts.events import Fact, LevelReading
from smartbin.facts.wire.messages import MAX_BATCH, ROOT

_QUARTER_US = 15 * 60 * calendar.US_PER_S


def topic_of(site: str, device: str, kind: str) -> str:
    """The topic on which a device publishes messages of a kind (``batch`` included)."""
    return f"{ROOT}/{site}/{device}/{kind}"


def kind_of(facts: Sequence[Fact]) -> str:
    """The message kind that carries these facts."""
    return "fill" if isinstance(facts[0], LevelReading) else facts[0].kind


def event_of(facts: Sequence[Fact], zone: tzinfo = UTC) -> dict[str, Any]:
    """The JSON object of one message: one fact, or the level readings that one fill states
    together.

    ``at`` is written in ``zone``. The inverse of ``decode`` for facts that carry their ``seq``.
    """
    first = facts[0]
    if first.seq is None:
        raise ValueError("the first fact of a message carries its seq")
    event: dict[str, Any] = {"at": _stamp(first.at_us, zone), "seq": first.seq}
    if isinstance(first, LevelReading):
        event["levels"] = [_level_of(fact) for fact in facts if isinstance(fact, LevelReading)]
        return event
    for name in _FIELDS[first.kind]:
        value = getattr(first, name)
        if value is not None and value != "":
            event[name] = value
    return event


def _stamp(at_us: int, zone: tzinfo) -> str:
    """RFC 3339 in milliseconds. A month of a fleet is a million stamps, and converting each costs
    more than the rest of its message: only a quarter of an hour's start is converted. Since 2020
    no zone has changed its offset in between, and every offset is whole quarters.
    """
    quarter, rest_us = divmod(at_us, _QUARTER_US)
    hour, minute, offset = _start_of(quarter, zone)
    second, rest_us = divmod(rest_us, 1_000_000)
    minute += second // 60
    return f"{hour}{minute:02}:{second % 60:02}.{rest_us // 1000:03}{offset}"


@lru_cache(maxsize=4096)
def _start_of(quarter: int, zone: tzinfo) -> tuple[str, int, str]:
    start = calendar.EPOCH + timedelta(microseconds=quarter * _QUARTER_US)
    text = start.astimezone(zone).isoformat(timespec="minutes")
    return text[:14], int(text[14:16]), text[16:]


_ELSEWHERE = {"device", "at_us", "seq"}  # in the topic, in ``at``, and set before
_FIELDS = {
    fact.kind: [column.name for column in columns if column.name not in _ELSEWHERE]
    for fact, columns in COLUMNS.items()
}


def _level_of(reading: LevelReading) -> dict[str, Any]:
    if reading.level_pct is None:
        return {"door": reading.door, "fault": reading.fault or "sensor"}
    return {"door": reading.door, "level_pct": reading.level_pct}


def payload_of(event: Any) -> bytes:
    """The bytes of one message."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def batch_of(messages: Sequence[tuple[str, dict[str, Any]]]) -> bytes:
    """The bytes of a batch message from ``(kind, event)`` pairs, at most MAX_BATCH of them."""
    if len(messages) > MAX_BATCH:
        raise ValueError(f"a batch holds at most {MAX_BATCH} events, not {len(messages)}")
    return payload_of({"events": [{"kind": kind, **event} for kind, event in messages]})
