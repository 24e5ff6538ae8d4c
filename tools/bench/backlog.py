"""A backlog in a real broker, made quickly: deposits of the site's bins, one or fifty a message,
put there by a plain socket (paho would take longer to publish a million than a gateway to keep
them).
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from smartbin.facts.events import Deposit, Judge, Verdict
from smartbin.facts.wire import batch_of, event_of, payload_of, topic_of
from smartbin.places import Registry
from smartbin.places.load import load
from tests.real import Mosquitto, until
from tools.bench.result import SITE

BATCH = 50
START_US = 1_780_000_000_000_000
# Published and not yet acknowledged at most.
WINDOW = 1000
_CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04fill"
_CONNACK_BYTES = _PUBACK_BYTES = 4
Message = tuple[str, bytes]


def deposits(
    number: int, registry: Registry | None = None, *, cards: bool = True
) -> Iterator[Deposit]:
    """Deposits of the site's bins; ``seq`` rises. Without ``cards`` records keep nothing."""
    registry = registry or load(SITE)
    chance = random.Random(7)
    doors = [
        (device, door.id)
        for device in registry.devices
        for door in registry.doors_of_device(device)
    ]
    for n in range(number):
        device, door = doors[n % len(doors)]
        yield Deposit(
            device,
            door,
            START_US + n * 20_000_000 // 1000 * 1000 + n % 1000,
            chance.randrange(50, 3000),
            Verdict.CORRECT,
            Judge.CAMERA,
            None,
            f"K{chance.randrange(5000):06d}" if cards else None,
            n,
        )


def single_messages(
    number: int, registry: Registry | None = None, *, cards: bool = True
) -> Iterator[Message]:
    """One deposit a message."""
    for d in deposits(number, registry, cards=cards):
        yield topic_of("xinbei", d.device, "deposit"), payload_of(event_of([d]))


def batch_messages(number: int) -> Iterator[Message]:
    """Fifty deposits of one device a message."""
    return islice(_batches(number * BATCH * 2), number)


def _batches(events: int) -> Iterator[Message]:
    waiting: dict[str, list[Deposit]] = {}
    for d in deposits(events):
        mine = waiting.setdefault(d.device, [])
        mine.append(d)
        if len(mine) == BATCH:
            body = batch_of([("deposit", event_of([x])) for x in mine])
            mine.clear()
            yield topic_of("xinbei", d.device, "batch"), body


EVERYTHING = "smartbin/v1/xinbei/+/+"


@contextlib.contextmanager
def stored(
    messages: Iterable[Message], *client_ids: str, topics: str = EVERYTHING
) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker that holds the messages for absent clients, and a folder for it."""
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        broker = Mosquitto(Path(name) / "mosquitto")
        broker.start()
        try:
            for client_id in client_ids:
                _subscribe(broker, client_id, topics)
            fill(broker, messages)
            yield broker, Path(name)
        finally:
            broker.stop()


def _subscribe(broker: Mosquitto, client_id: str, topics: str) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    granted: list[int] = []
    client.on_subscribe = lambda *_: granted.append(1)
    client.connect("127.0.0.1", broker.port)
    client.subscribe(topics, 1)
    until(lambda: bool(client.loop(0.1) or granted), "subscribed")
    client.disconnect()


def fill(broker: Mosquitto, messages: Iterable[Message]) -> None:
    """Publish with QoS 1; returns when the broker has acknowledged all."""
    with socket.create_connection(("127.0.0.1", broker.port), timeout=60) as stream:
        stream.sendall(_CONNECT)
        _await(stream, _CONNACK_BYTES)
        left = iter(messages)
        while some := [packet(n, *m) for n, m in enumerate(islice(left, WINDOW), 1)]:
            stream.sendall(b"".join(some))
            _await(stream, len(some) * _PUBACK_BYTES)


def _await(stream: socket.socket, size: int) -> None:
    while size:
        data = stream.recv(size)
        assert data, "the broker closed the connection"
        size -= len(data)


def packet(number: int, topic: str, payload: bytes) -> bytes:
    """A PUBLISH of QoS 1."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + struct.pack("!H", number) + payload
    head, length = bytearray(b"\x32"), len(body)
    while length >= 128:
        head.append(length % 128 | 128)
        length //= 128
    head.append(length)
    return bytes(head) + body
