"""A broker and stores that misbehave in every way that is allowed, from one seed.

The broker gives packet ids out anew after a reconnect, forgets an acknowledged id whatever message
it belongs to now, and repeats what is not acknowledged. Stores fail before or after a write took
effect, refuse single facts, and the process dies between any two steps.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.backoff import Backoff
from gateway.meters import Meters
from gateway.pipeline import Delivery, Pipeline
from smartbin.errors import StoreRefused, StoreUnavailable
from smartbin.events import Deposit, Fact, identity
from smartbin.wire import Decoder, Rejected, batch_of, event_of, payload_of, topic_of
from tests.places import small_registry

START_US = 1_780_000_000_000_000
POISONOUS_G = 199_999  # telemetry refuses this weight
UNLUCKY_G = 199_998  # records refuse this weight
WINDOW = 10


class Crash(BaseException):
    """The process dies here; nothing in it survives. No handler may catch it."""


@dataclass
class Fate:
    """What goes wrong next."""

    chance: random.Random
    calm: bool = False

    def strikes(self, probability: float) -> bool:
        return not self.calm and self.chance.random() < probability

    def step(self) -> None:
        """Between any two steps the process may die."""
        if self.strikes(0.03):
            raise Crash


@dataclass
class Broker:
    """Messages not yet acknowledged; ids belong to a connection, and messages are on the wire
    before anybody asks for them.
    """

    fate: Fate
    queue: list[tuple[str, bytes]]
    connection: int = 0
    inflight: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    wire: list[Delivery] = field(default_factory=list)

    def connect(self) -> None:
        """A new connection: what was in flight is delivered again, in any order."""
        self.connection += 1
        self.queue = [*self.inflight.values(), *self.queue]
        self.fate.chance.shuffle(self.queue)
        self.inflight = {}
        self.push()

    def push(self) -> None:
        """Send as far as the window of unacknowledged messages allows."""
        while self.queue and len(self.inflight) < WINDOW:
            packet_id = next(n for n in range(1, 65536) if n not in self.inflight)
            message = self.inflight[packet_id] = self.queue.pop(0)
            received_at_us = START_US + 10**12
            self.wire.append(Delivery(*message, received_at_us, packet_id, self.connection, False))

    def deliver(self, number: int) -> list[Delivery]:
        """What the gateway has read; what it had read of an older connection too."""
        self.push()
        batch, self.wire = self.wire[:number], self.wire[number:]
        return batch

    def acknowledged(self, packet_id: int) -> None:
        """The broker cannot know what message the client means."""
        self.inflight.pop(packet_id, None)


@dataclass
class Link:
    """The gateway's session, as the pipeline sees it."""

    broker: Broker
    fate: Fate
    drop_stale: bool = True

    def receive(self, batch_max: int, wait_s: float) -> list[Delivery]:
        self.fate.step()
        self._maybe_reconnect()
        return self.broker.deliver(self.fate.chance.randint(1, 8))

    def idle(self, wait_s: float) -> None:
        self.fate.step()
        self._maybe_reconnect()

    def ack(self, deliveries: Iterable[Delivery]) -> None:
        self.fate.step()
        self._maybe_reconnect()
        for delivery in deliveries:
            if not self.drop_stale or delivery.connection == self.broker.connection:
                self.broker.acknowledged(delivery.packet_id)
            self.fate.step()

    def _maybe_reconnect(self) -> None:
        if self.fate.strikes(0.1):
            self.broker.connect()


class Store:
    """Keeps facts by identity; survives crashes."""

    def __init__(self, fate: Fate, refuses_g: int) -> None:
        self.fate = fate
        self.refuses_g = refuses_g
        self.kept: dict[tuple[str, str, str, int], Fact] = {}

    def append(self, facts: Sequence[Fact]) -> None:
        self.fate.step()
        if self.fate.strikes(0.15):
            raise StoreUnavailable("before")
        if any(isinstance(f, Deposit) and f.weight_g == self.refuses_g for f in facts):
            raise StoreRefused("too heavy")
        for fact in facts:
            self.kept[identity(fact)] = fact
            if self.fate.strikes(0.02):
                raise StoreUnavailable("in the middle")
        self.fate.step()
        if self.fate.strikes(0.1):
            raise StoreUnavailable("after it took effect")

    def close(self) -> None:
        pass


class Shelf:
    """Quarantine that may be away for a while."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.kept: dict[tuple[str, bytes], Rejected] = {}

    def add(self, rejected: Sequence[Rejected]) -> None:
        self.fate.step()
        if self.fate.strikes(0.1):
            raise StoreUnavailable("full")
        for r in rejected:
            self.kept[r.topic, r.payload] = r
        self.fate.step()


@dataclass
class World:
    """A seed's messages, broker and stores; ``pipeline`` makes a process over them."""

    seed: int
    pipeline_class: type[Pipeline] = Pipeline
    drop_stale: bool = True

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self.fate = Fate(chance)
        self.deposits = [self._deposit(n, chance) for n in range(chance.randint(1, 60))]
        self.poison: set[tuple[str, bytes]] = set()
        self.broker = Broker(self.fate, self._messages(chance))
        self.telemetry = Store(self.fate, POISONOUS_G)
        self.records = Store(self.fate, UNLUCKY_G)
        self.shelf = Shelf(self.fate)

    def run(self) -> None:
        """Start the process again whenever it dies, until nothing is left; then in calm."""
        for life in range(500):
            self.fate.calm = life > 40
            self.broker.wire = []  # the process died with what it had read
            self.broker.connect()
            pipeline = self._process()
            try:
                while self.broker.queue or self.broker.inflight:
                    if not pipeline.pump():
                        self.broker.connect()
                return
            except Crash:
                continue
        raise AssertionError("it never comes to an end")

    def faults(self) -> list[str]:
        """What is not as it must be, once all messages are gone."""
        good = {identity(d): d for d in self.deposits if d.weight_g != POISONOUS_G}
        cards = {name: d for name, d in good.items() if d.account and d.weight_g != UNLUCKY_G}
        found = []
        if self.telemetry.kept != good:
            found.append(f"telemetry holds {len(self.telemetry.kept)} of {len(good)}")
        if self.records.kept != cards:
            found.append(f"records hold {len(self.records.kept)} of {len(cards)}")
        if not self.poison <= set(self.shelf.kept):
            found.append("a refused message is nowhere")
        reasons = Counter(r.reason for r in self.shelf.kept.values())
        if any(d.weight_g in (POISONOUS_G, UNLUCKY_G) and (d.account or d.weight_g == POISONOUS_G)
               for d in self.deposits) and not reasons["store_refused"]:  # fmt: skip
            found.append("a fact that a store refused is nowhere")
        return found

    def _process(self) -> Pipeline:
        ticks = iter(range(10**9))
        return self.pipeline_class(
            Link(self.broker, self.fate, self.drop_stale),
            Decoder(small_registry()),
            self.telemetry,
            self.records,
            self.shelf,
            Meters(lambda: float(next(ticks)), lambda: START_US),
            Backoff(0.1, 1.0, self.fate.chance),
            lambda: False,
        )

    def _deposit(self, n: int, chance: random.Random) -> Deposit:
        weight_g = chance.choices(
            [chance.randrange(1000), POISONOUS_G, UNLUCKY_G], [0.9, 0.05, 0.05]
        )[0]
        account = f"K{n % 5}" if chance.random() < 0.7 else None
        at_us = START_US + n * 1_000_000 + n
        return Deposit("bin-001", "kitchen", at_us, weight_g, account=account, seq=n)

    def _messages(self, chance: random.Random) -> list[tuple[str, bytes]]:
        topic = topic_of("testsite", "bin-001", "deposit")
        messages = []
        left = list(self.deposits)
        while left:
            some, left = left[: (size := chance.choice([1, 1, 1, 5]))], left[size:]
            if len(some) == 1:
                messages.append((topic, payload_of(event_of(some))))
            else:
                events = [("deposit", event_of([d])) for d in some]
                messages.append((topic_of("testsite", "bin-001", "batch"), batch_of(events)))
        messages += chance.choices(messages, k=len(messages) // 4)
        for n in range(chance.randint(0, 5)):
            self.poison.add((topic, b'{"n":%d}' % n))
        messages += sorted(self.poison)
        chance.shuffle(messages)
        return messages
