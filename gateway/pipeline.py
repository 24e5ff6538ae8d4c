"""From messages to kept facts. The reading order of ``pump`` is the guarantee: a message is
acknowledged only when everything it said is durable, or set aside durably with a reason.

A crash between any two lines makes the broker deliver again, and appending is idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.backoff import Backoff
from gateway.delivery import Delivery, MessageSource
from gateway.gate import FACTS_AN_HOUR, Gate
from gateway.meters import Meters
from smartbin.core.errors import SecondTelling, StoreRefused, StoreUnavailable
from smartbin.facts.events import Fact, identity
from smartbin.facts.wire import Decoded, Rejected, is_last_will

BATCH_MAX = 4000
WAIT_S = 0.5
# While waiting to try a store again the connection must be served this often.
PAUSE_MAX_S = 1.0
_FLOOD = f"more than {FACTS_AN_HOUR} events of this device within an hour"


class Appender(Protocol):
    """A store: the telemetry port's writing half, or the records' deposit lines and outbox."""

    def append(self, facts: Sequence[Fact], /) -> None:
        """Durable when it returns; raises StoreUnavailable, StoreRefused and, when all else is
        durable, SecondTelling.
        """


class Keeper(Protocol):
    """Where refused messages are set aside (``smartbin.quarantine.Quarantine``)."""

    def add(self, rejected: Sequence[Rejected], /) -> object:
        """Durable when it returns; raises StoreUnavailable when it is full."""


class Reader(Protocol):
    """Bytes to facts (``smartbin.facts.wire.Decoder``)."""

    @property
    def dropped_verdicts(self) -> int:
        """Verdicts that devices gave in a person's name, since the start."""

    def decode(self, topic: str, payload: bytes, received_at_us: int) -> Decoded:
        """Never raises."""


class Stopped(Exception):
    """Asked to stop while a store was away: nothing of the batch is acknowledged."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The parts between the broker and the stores; ``stopping`` is asked while waiting."""

    source: MessageSource
    decoder: Reader
    telemetry: Appender
    records: Appender
    quarantine: Keeper
    meters: Meters
    backoff: Backoff
    stopping: Callable[[], bool]
    gate: Gate

    def pump(self) -> int:
        """Move one batch; returns how many messages it had. Raises Stopped."""
        deliveries = self.source.receive(BATCH_MAX, WAIT_S)
        self.meters.received(deliveries)
        facts, rejected = self._decode(deliveries)
        if rejected:
            self._set_aside(rejected)
        if facts:
            self._keep(facts, deliveries)
        self.source.ack(deliveries)
        self.meters.acknowledged(facts)
        return len(deliveries)

    def _decode(self, deliveries: Sequence[Delivery]) -> tuple[list[Fact], list[Rejected]]:
        facts: list[Fact] = []
        rejected: list[Rejected] = []
        for delivery in deliveries:
            if delivery.retained and is_last_will(delivery.payload):
                # The broker repeats it at every subscription; its time would be invented each time.
                self.meters.old_wills += 1
                continue
            topic, payload, received_at_us, *_ = delivery
            if self.gate.closed(topic, received_at_us):
                rejected.append(Rejected(topic, payload, received_at_us, "flood", "", _FLOOD))
                continue
            decoded = self.decoder.decode(topic, payload, received_at_us)
            facts += decoded.facts
            rejected += decoded.rejected
            self.gate.passed(topic, len(decoded.facts) + len(decoded.rejected))
        self.meters.dropped_verdicts = self.decoder.dropped_verdicts
        return facts, rejected

    def _keep(self, facts: Sequence[Fact], deliveries: Sequence[Delivery]) -> None:
        """Telemetry first, then records with the outbox: what it tells of can be read. What a
        store will never take goes to quarantine, and what telemetry refused does not reach the
        records.
        """
        refused = self._append("telemetry", self.telemetry, facts)
        kept = [fact for fact in facts if fact not in refused] if refused else facts
        if kept:
            refused.update(self._append("records", self.records, kept))
        if refused:
            self._set_aside(self._messages_of(refused, deliveries))

    def _append(
        self, name: str, store: Appender, facts: Sequence[Fact]
    ) -> dict[Fact, tuple[str, str]]:
        """Append all; returns the refused, found by halving, and those that differ from stored
        facts, each with reason and detail for the quarantine.
        """
        try:
            self._persist(name, lambda: store.append(facts))
        except SecondTelling as others:
            return {fact: ("conflict", _otherwise(fact)) for fact in facts if fact in others.facts}
        except StoreRefused as why:
            if len(facts) == 1:
                return {facts[0]: ("store_refused", f"{name}: {why.reason}")}
            half = len(facts) // 2
            return self._append(name, store, facts[:half]) | self._append(name, store, facts[half:])
        return {}

    def _set_aside(self, rejected: Sequence[Rejected]) -> None:
        self._persist("quarantine", lambda: self.quarantine.add(rejected))
        self.meters.set_aside(rejected)

    def _messages_of(
        self, refused: dict[Fact, tuple[str, str]], deliveries: Sequence[Delivery]
    ) -> list[Rejected]:
        """The messages, whole, that the refused facts came in. A second decoding is the price of
        keeping no origin for the millions that are taken.
        """
        found: list[Rejected] = []
        for topic, payload, received_at_us, *_ in deliveries:
            for fact in self.decoder.decode(topic, payload, received_at_us).facts:
                if fact in refused:
                    reason, detail = refused[fact]
                    found.append(Rejected(topic, payload, received_at_us, reason, "", detail))
                    break
        return found

    def _persist(self, name: str, call: Callable[[], object]) -> None:
        """Repeat it until it succeeds: the broker is the buffer while a store is away."""
        while True:
            try:
                call()
            except StoreUnavailable as why:
                self.meters.blocked(name, str(why))
                self._pause(self.backoff.next_s())
            else:
                self.backoff.reset()
                self.meters.unblocked()
                return

    def _pause(self, wait_s: float) -> None:
        while wait_s > 0:
            if self.stopping():
                raise Stopped
            self.source.idle(min(wait_s, PAUSE_MAX_S))
            wait_s -= PAUSE_MAX_S


def _otherwise(fact: Fact) -> str:
    kind, device, door, at_us = identity(fact)
    at_door = f" at door {door}" if door else ""
    return f"{kind} {at_us} of {device}{at_door} was told before with other content"
