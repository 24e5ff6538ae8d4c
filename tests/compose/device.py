"""A device outside the containers: publishes over TLS as itself."""

from __future__ import annotations

import ssl
import threading

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from smartbin.facts.events import Deposit
from smartbin.facts.wire import event_of, payload_of, topic_of
from tests.compose.stack import Stack
from tests.real import patient_s, until

PAUSE_S = 0.02


class Device:
    """Publishes deposits of a device without end, over TLS as itself; counts what the broker has
    acknowledged, and sends again what it has not.
    """

    def __init__(self, stack: Stack, device: str, start_us: int) -> None:
        self.device, self.sent, self.acknowledged = device, 0, 0
        self._start_us = start_us
        self._stop = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, device, clean_session=False)
        self._client.username_pw_set(device, stack.password(device))
        trusting = ssl.create_default_context(cafile=str(stack.secrets / "ca.crt"))
        self._client.tls_set_context(trusting)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_publish = self._on_publish
        self._client.connect_async("127.0.0.1", stack.mqtts_port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._publish)
        self._thread.start()

    def end(self) -> None:
        """Stop making deposits, and wait until the broker has acknowledged every one."""
        self._stop.set()
        self._thread.join(patient_s(60))
        until(lambda: self.acknowledged >= self.sent, f"{self.device} is rid of all", 120)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self) -> None:
        while not self._stop.wait(PAUSE_S):
            at_us = self._start_us + self.sent * 1000 + self.sent % 1000
            fact = Deposit(self.device, "kitchen", at_us, 100, seq=self.sent)
            topic = topic_of("xinbei", self.device, "deposit")
            self._client.publish(topic, payload_of(event_of([fact])), 1)
            self.sent += 1

    def _on_publish(self, *_: object) -> None:
        self.acknowledged += 1
