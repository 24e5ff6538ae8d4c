"""Where an event's time goes: the gateway's steps one by one, in this process and without a broker,
in processor time, which other work on the machine touches little.

What a batch saves is what a message costs in addition to its events: the packet, its decoding,
the acknowledgement. The rest is paid for each event, so it bounds what a batch can gain.
"""

from __future__ import annotations

import socket
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.delivery import Delivery
from gateway.meters import Meters
from gateway.packets import PacketSocket
from gateway.pipeline import BATCH_MAX
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Fact
from smartbin.facts.wire import Decoder
from smartbin.places.load import load
from smartbin.telemetry import open_writer
from tools.bench.backlog import BATCH, Message, batch_messages, packet, single_messages
from tools.bench.result import SITE, Result

EVENTS = 200_000
# What fits into a batch of the gateway: 4,000 single messages, or a megabyte of batches.
BATCHES_AT_ONCE = 130
STEPS = ("packets", "decode", "telemetry", "records", "meters", "acknowledge")
RECEIVED_US = 1_890_000_000_000_000


def measures() -> Iterator[Result]:
    """Microseconds an event of each step, for single messages and for batches of fifty."""
    single = spent_us(list(single_messages(EVENTS)), BATCH_MAX)
    batch = spent_us(list(batch_messages(EVENTS // BATCH)), BATCHES_AT_ONCE)
    for step in STEPS:
        yield Result(f"single message: {step}", single[step], "us")
    for step in STEPS:
        yield Result(f"batch of {BATCH}, each event: {step}", batch[step], "us")
    ones, many = sum(single.values()), sum(batch.values())
    yield Result("single message, all steps", ones, "us", how=f"{1e6 / ones:,.0f} a second")
    yield Result("batch, each event, all steps", many, "us", how=f"{1e6 / many:,.0f} a second")
    yield Result("what a batch can gain: all steps, single / batch", ones / many, "x")


class _Clock:
    """Processor time by step."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        started_s = time.process_time()
        yield
        self.spent_s[step] += time.process_time() - started_s


def spent_us(messages: Sequence[Message], at_once: int) -> dict[str, float]:
    """Processor time of each step, in microseconds an event."""
    registry, clock = load(SITE), _Clock()
    decoder, meters = Decoder(registry), Meters(time.monotonic, lambda: RECEIVED_US)
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        folder = Path(name)
        telemetry = open_writer(f"sqlite:///{folder}/telemetry.db", registry.site.zone)
        database = Database.open(f"sqlite:///{folder}/records.db")
        records = DepositLines(database, registry.site.zone)
        here, there = socket.socketpair()
        packets = PacketSocket(here)
        for start in range(0, len(messages), at_once):
            some = messages[start : start + at_once]
            deliveries: list[Delivery] = []
            for data in _reads(some):
                there.sendall(data)
                with clock("packets"):
                    packets.fill()
                    for p in packets.publishes():
                        deliveries.append(
                            Delivery(p.topic, p.payload, RECEIVED_US, p.packet_id, 1, p.retained)
                        )
            assert len(deliveries) == len(some)
            facts: list[Fact] = []
            with clock("decode"):
                for d in deliveries:
                    facts += decoder.decode(d.topic, d.payload, d.received_at_us).facts
            with clock("telemetry"):
                telemetry.append(facts)
            with clock("records"):
                records.append(facts)
            with clock("meters"):
                meters.received(deliveries)
                meters.acknowledged(facts)
            with clock("acknowledge"):
                packets.acknowledge([d.packet_id for d in deliveries])
            there.recv(1 << 20)
        here.close()
        there.close()
        telemetry.close()
        database.close()
    assert sum(meters.stored.values()) == EVENTS
    return {step: spent_s / EVENTS * 1e6 for step, spent_s in clock.spent_s.items()}


def _reads(messages: Sequence[Message]) -> Iterator[bytes]:
    """The messages as PUBLISH packets, in pieces that one read of the gateway takes."""
    held = bytearray()
    for number, message in enumerate(messages, 1):
        data = packet(number, *message)
        if held and len(held) + len(data) > 60_000:
            yield bytes(held)
            held.clear()
        held += data
    yield bytes(held)
