"""Who publishes in tests: a bare paho client that knows what the broker has acknowledged."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.real import Mosquitto, patient_s

WINDOW = 500


class Publisher:
    """Publishes with QoS 1, at most WINDOW messages unacknowledged."""

    def __init__(self, client: paho.Client) -> None:
        self._client = client
        self._free = threading.Semaphore(WINDOW)
        client.on_publish = lambda *_: self._free.release()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one over; waits while too many are unacknowledged."""
        assert self._free.acquire(timeout=patient_s(60)), "the broker acknowledges nothing"
        self._client.publish(topic, payload, 1, retain)

    def send(self, messages: Iterable[tuple[str, bytes]], *, retain: bool = False) -> None:
        """Returns when the broker has acknowledged all."""
        for topic, payload in messages:
            self.publish(topic, payload, retain=retain)
        for _ in range(WINDOW):
            assert self._free.acquire(timeout=patient_s(60)), "the broker acknowledges nothing"
        for _ in range(WINDOW):
            self._free.release()


@contextlib.contextmanager
def publishing(broker: Mosquitto, client_id: str = "devices") -> Iterator[Publisher]:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    client.max_inflight_messages_set(WINDOW)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        yield Publisher(client)
    finally:
        client.disconnect()
        client.loop_stop()
