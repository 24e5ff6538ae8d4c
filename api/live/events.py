"""Live events: what boards are sent of rows of the outbox. No account is ever in one."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from api.parts import Parts
from smartbin.collection.rules import Policy, state_of
from smartbin.core.errors import StoreUnavailable
from smartbin.database.outbox import OutboxRow
from smartbin.deposit_lines.news import facts_of
from smartbin.facts.events import Alarm, Deposit, DoorKey, Fact, LevelReading, identity
from smartbin.live.rules import EventId
from smartbin.points.points_of_deposits import earned
from smartbin.verdicts.rules import DepositKey

POLICY = Policy()
log = logging.getLogger("api.live")


class LiveEvent(NamedTuple):
    """One event as it is sent; ``community`` says whose boards it belongs to."""

    row: int
    sent: int
    community: str | None
    text: str


def events_of(parts: Parts, rows: Sequence[OutboxRow]) -> list[LiveEvent]:
    """The events of some rows, in order. Of a door's readings, and of an alarm's, only the one
    that is the newest now is sent: an older one that came late changes nothing. Raises
    StoreUnavailable.
    """
    named = [
        (row, sent, fact)
        for row in rows
        for sent, fact in enumerate(facts_of(row.kind, row.payload), 1)
    ]
    facts = [fact for _, _, fact in named]
    points, standing = points_of(parts, facts), _standing(parts, facts)
    events = []
    for row, sent, fact in named:
        if isinstance(fact, LevelReading | Alarm) and identity(fact) not in standing:
            continue
        body = body_of(parts, fact, points)
        text = event_text(fact.kind, body, EventId(row.id, row.at_us, sent))
        events.append(LiveEvent(row.id, sent, body["community"], text))
    return events


def _standing(parts: Parts, facts: Sequence[Fact]) -> set[tuple[Any, ...]]:
    """Names of the levels and alarms that the store has as the newest, of what facts name."""
    levels = [fact for fact in facts if isinstance(fact, LevelReading)]
    alarms = {fact.device for fact in facts if isinstance(fact, Alarm)}
    found: set[tuple[Any, ...]] = set()
    if levels:
        doors = {DoorKey(fact.device, fact.door) for fact in levels}
        since_us = min(fact.at_us for fact in levels)
        found.update(map(identity, parts.reader.latest_levels(doors, since_us).values()))
    if alarms:
        found.update(map(identity, parts.reader.active_alarms(sorted(alarms))))
    return found


def points_of(parts: Parts, facts: Sequence[Fact]) -> Mapping[DepositKey, int]:
    """What the deposits among these have earned; nothing while the records are away."""
    deposits = [fact for fact in facts if isinstance(fact, Deposit)]
    try:
        return earned(parts.database, parts.stores.earnings, deposits)
    except StoreUnavailable as error:
        log.warning("no points on the boards: %s", error)
        return {}


def body_of(parts: Parts, fact: Any, points: Mapping[DepositKey, int]) -> dict[str, Any]:
    """A fact as boards show it: where, what, when and what it earned; never who."""
    today = parts.today()
    door = parts.registry.door(DoorKey(fact.device, fact.door or ""), today)
    body = {
        "device": fact.device,
        "door": fact.door,
        "community": parts.registry.community_of(fact.device, today),
        "category": door.category if door else None,
        "at": parts.local(fact.at_us).isoformat(),
    }
    names = ("weight_g", "verdict", "item") if isinstance(fact, Deposit) else ("net_g", "type")
    for name in names:
        if getattr(fact, name, None) is not None:
            body[name] = getattr(fact, name)
    if isinstance(fact, Deposit):
        key = DepositKey(fact.device, fact.door, fact.at_us)
        if key in points:
            body["points"] = points[key]
    if isinstance(fact, LevelReading):
        body["level_pct"] = fact.level_pct
        body["state"] = state_of(door, fact, parts.now_us(), POLICY) if door else None
    return body


def event_text(kind: str, body: Mapping[str, Any], id: EventId | None = None) -> str:
    """An event as it goes over the line."""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    name = f"id: {id}\n" if id else ""
    return f"{name}event: {kind}\ndata: {data}\n\n"
