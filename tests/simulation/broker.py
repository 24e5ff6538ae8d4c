"""A broker that misbehaves in every way that is allowed, and the gateway's session with it.

It gives packet ids out anew after a reconnect, forgets an acknowledged id whatever message it
belongs to now, and repeats what is not acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.delivery import Delivery
from smartbin.core import calendar
from tests.simulation.fate import Evil, Fate

WINDOW = 10
JUMPS_S = (-86_400, -3_600, -601, 3_600, 86_400)
Message = tuple[str, bytes]


@dataclass
class Broker:
    """Messages not yet acknowledged; ids belong to a connection, and messages are on the wire
    before anybody asks for them. ``now_us`` is the gateway's clock.
    """

    fate: Fate
    queue: list[Message]
    now_us: int
    connection: int = 0
    inflight: dict[int, Message] = field(default_factory=dict)
    wire: list[Delivery] = field(default_factory=list)

    def connect(self) -> None:
        """A new connection: what was in flight is delivered again, in any order."""
        self.connection += 1
        self.queue = [*self.inflight.values(), *self.queue]
        self.fate.chance.shuffle(self.queue)
        self.inflight = {}
        self._push()

    def deliver(self, number: int) -> list[Delivery]:
        """What the gateway has read; what it had read of an older connection too."""
        self._push()
        batch, self.wire = self.wire[:number], self.wire[number:]
        return batch

    def acknowledged(self, packet_id: int) -> None:
        """The broker cannot know what message the client means."""
        self.inflight.pop(packet_id, None)

    def _push(self) -> None:
        """Send as far as the window of unacknowledged messages allows."""
        while self.queue and len(self.inflight) < WINDOW:
            packet_id = next(n for n in range(1, 65536) if n not in self.inflight)
            message = self.inflight[packet_id] = self.queue.pop(0)
            at_us = self.now_us
            if self.fate.strikes(Evil.CLOCK):
                at_us += self.fate.chance.choice(JUMPS_S) * calendar.US_PER_S
            self.wire.append(Delivery(*message, at_us, packet_id, self.connection, False))


@dataclass
class Link:
    """The gateway's session, as the pipeline sees it."""

    broker: Broker
    fate: Fate
    drop_stale: bool = True

    def receive(self, batch_max: int, wait_s: float) -> list[Delivery]:
        self.fate.step("before receiving")
        self.maybe_reconnect()
        return self.broker.deliver(self.fate.chance.choice([1, 3, 8, 1000]))

    def idle(self, wait_s: float) -> None:
        self.fate.step("while waiting")
        self.maybe_reconnect()

    def ack(self, deliveries: Iterable[Delivery]) -> None:
        self.fate.step("before acknowledging")
        self.maybe_reconnect()
        for delivery in deliveries:
            if not self.drop_stale or delivery.connection == self.broker.connection:
                self.broker.acknowledged(delivery.packet_id)
            self.fate.step("while acknowledging")

    def maybe_reconnect(self) -> None:
        if self.fate.strikes(Evil.RECONNECT):
            self.broker.connect()
