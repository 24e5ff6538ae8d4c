"""The guarantee: receive, decode, quarantine, keep, acknowledge, in that order, always.

A message is acknowledged only when it is durable. A crash anywhere makes the broker deliver again,
and appending is idempotent. There is no tracking map, no queue, no lock and no second thread: the
batch on the stack is the tracking.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from smartbin.errors import StoreRefused, StoreUnavailable
from smartbin.events import Deposit, Fact
from smartbin.telemetry import TelemetryWriter
from smartbin.wire import Decoder, Rejected, is_last_will

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 30.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as the broker delivered it, to be acknowledged on ``connection`` only."""

    topic: str
    payload: bytes
    received_at_us: int
    message_id: int
    connection: int
    retained: bool = False


class Stopping(Exception):
    """The process was asked to stop while a store was unavailable; nothing was acknowledged."""


class Source(Protocol):
    """Where deliveries come from."""

    def receive(self, batch_max: int, wait_s: float) -> list[Delivery]:
        """At least one delivery, or none after ``wait_s``."""

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge those of the connection that still stands."""

    def idle(self, wait_s: float) -> None:
        """Wait, keeping the connection alive; raises Stopping when the process should stop."""


class Lines(Protocol):
    """Where deposit lines go."""

    def append(self, deposits: Sequence[Deposit]) -> None:
        """As a telemetry store's append, for deposits that name a card."""


class Shelf(Protocol):
    """Where refused messages go."""

    def add(self, rejected: Sequence[Rejected]) -> int:
        """Keep them durably; answers how many were new."""


class Watch(Protocol):
    """Who looks on: metrics and health."""

    def received(self, deliveries: Sequence[Delivery]) -> None:
        """A batch came."""

    def stored(self, pairs: Sequence[tuple[Fact, Delivery]]) -> None:
        """Facts are durable."""

    def refused(self, rejected: Sequence[Rejected]) -> None:
        """Messages are in quarantine."""

    def retrying(self, why: str) -> None:
        """A store cannot answer; the same call is made again."""

    def progress(self) -> None:
        """A turn of the loop is done."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop is made of."""

    source: Source
    decoder: Decoder
    telemetry: TelemetryWriter
    records: Lines
    quarantine: Shelf
    watch: Watch
    chance: random.Random


def pump(parts: Parts, batch_max: int, wait_s: float) -> int:
    """One batch; answers how many deliveries it had. Its reading order is the guarantee."""
    deliveries = parts.source.receive(batch_max, wait_s)
    parts.watch.received(deliveries)
    pairs, rejected = decode_all(parts.decoder, deliveries)
    quarantine(parts, rejected)
    kept = keep(parts, parts.telemetry.append, pairs)
    keep(parts, parts.records.append, [p for p in kept if _names_a_card(p[0])])
    parts.source.ack(deliveries)
    parts.watch.stored(kept)
    parts.watch.progress()
    return len(deliveries)


def decode_all(
    decoder: Decoder, deliveries: Sequence[Delivery]
) -> tuple[list[tuple[Fact, Delivery]], list[Rejected]]:
    """Facts, each with the delivery it came in, and refusals."""
    pairs: list[tuple[Fact, Delivery]] = []
    rejected: list[Rejected] = []
    for delivery in deliveries:
        if delivery.retained and is_last_will(delivery.payload):
            # The broker repeats it at every subscription; its time would be invented each time.
            continue
        decoded = decoder.decode(delivery.topic, delivery.payload, delivery.received_at_us)
        pairs.extend((fact, delivery) for fact in decoded.facts)
        rejected.extend(decoded.rejected)
    return pairs, rejected


def quarantine(parts: Parts, rejected: list[Rejected]) -> None:
    """Refused messages, durable before the acknowledgement, like facts."""
    if rejected:
        insist(parts, lambda: parts.quarantine.add(rejected))
        parts.watch.refused(rejected)


def keep(
    parts: Parts,
    append: Callable[[list[Fact]], None] | Callable[[list[Deposit]], None],
    pairs: list[tuple[Fact, Delivery]],
) -> list[tuple[Fact, Delivery]]:
    """Append facts, setting aside the ones a store refuses; answers what was kept."""
    if not pairs:
        return []
    facts = [fact for fact, _ in pairs]
    try:
        insist(parts, lambda: append(facts))  # type: ignore[arg-type] # deposits where lines go
        return pairs
    except StoreRefused as why:
        if len(pairs) == 1:
            delivery = pairs[0][1]
            message = (delivery.topic, delivery.payload, delivery.received_at_us)
            quarantine(parts, [Rejected(*message, "store_refused", "", why.reason)])
            return []
    middle = len(pairs) // 2
    return keep(parts, append, pairs[:middle]) + keep(parts, append, pairs[middle:])


def insist(parts: Parts, call: Callable[[], object]) -> None:
    """Repeat a call for as long as the store is unavailable, with capped back-off and jitter."""
    pause_s = BACKOFF_FIRST_S
    while True:
        try:
            call()
            return
        except StoreUnavailable as why:
            parts.watch.retrying(str(why))
            parts.source.idle(pause_s * parts.chance.uniform(0.5, 1.0))
            pause_s = min(BACKOFF_MAX_S, pause_s * 2)


def _names_a_card(fact: Fact) -> bool:
    return isinstance(fact, Deposit) and fact.account is not None
