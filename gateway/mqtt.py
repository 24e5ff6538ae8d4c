"""MQTT in: the gateway's session with the broker, pulled by one thread. The only paho here.

MQTT 3.1.1 with a stable client id and a session that outlives the connection: what is not
acknowledged is delivered again. Packet ids are reused after a reconnect, so an acknowledgement is
sent only on the connection its message came on.
"""

from __future__ import annotations

import logging
import math
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from gateway.backoff import Backoff
from gateway.broker import BrokerAddress, SessionMemory, explain_error, explain_refusal
from gateway.delivery import Delivery
from gateway.packets import PacketSocket

log = logging.getLogger(__name__)

KEEPALIVE_S = 60
CONNECT_MAX_S = 10.0
SILENCE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}
# While a store is down messages are read on, so that the broker's answers to pings are seen, up
# to so much. Brokers bound what is unacknowledged anyway (Mosquitto: max_inflight_messages).
HELD_BYTES_MAX = 16 * 1024 * 1024
BATCH_BYTES_MAX = 1024 * 1024
# A wait this short keeps SIGTERM prompt: Python resumes an interrupted select.
SELECT_MAX_S = 0.25
# Two clients under one id end each other's connections at once, forever.
SHORT_LIFE_S = 10.0
SHORT_LIVES_MAX = 5
# A SUBSCRIBE of so many filters stays far below any broker's bound on a packet.
FILTERS_MAX = 500


class SessionTaken(Exception):
    """Another client keeps taking the session; one sentence for the operator."""


class BrokerSession:
    """A source of deliveries that reconnects by itself.

    ``problem`` says in a sentence why no message can come; None when subscribed. Without filters
    it unsubscribes what the session holds and gets only what is queued. Not ``kept``, it ends the
    session that the broker has under this client id.
    """

    def __init__(
        self,
        broker: BrokerAddress,
        filters: Sequence[str],
        memory: SessionMemory,
        backoff: Backoff,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        *,
        kept: bool = True,
    ) -> None:
        self.problem: str | None = f"not yet connected to {broker.host}:{broker.port}"
        self.connects = 0
        self._broker = broker
        self._filters = tuple(filters)
        self._memory = memory
        self._backoff = backoff
        self._now_us = now_us
        self._held: deque[Delivery] = deque()
        self._held_bytes = 0
        self._packets: PacketSocket | None = None
        self._next_try_s = -math.inf
        self._accepted_s: float | None = None
        self._short_lives = 0
        self._refusal: str | None = None
        self._kept = kept
        self._asked: dict[int | None, list[str]] = {}
        self._client = _Client(broker, kept)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_unsubscribe = self._on_unsubscribe
        self._client.on_disconnect = self._on_disconnect

    def receive(self, batch_max: int, wait_s: float) -> list[Delivery]:
        """Wait at most ``wait_s`` for messages and return those that are there: at most
        ``batch_max``, and about BATCH_BYTES_MAX bytes.

        Raises SessionTaken when another client fights for the client id.
        """
        until_s = time.monotonic() + wait_s
        self._step(batch_max)
        while not self._held and (left_s := until_s - time.monotonic()) > 0:
            self._wait(left_s)
            self._step(batch_max)
        batch: list[Delivery] = []
        size = 0
        while self._held and len(batch) < batch_max and size < BATCH_BYTES_MAX:
            delivery = self._held.popleft()
            size += len(delivery.payload)
            batch.append(delivery)
        self._held_bytes -= size
        return batch

    def idle(self, wait_s: float) -> None:
        """Let ``wait_s`` pass while the connection is kept alive; what arrives is held."""
        until_s = time.monotonic() + wait_s
        self._step(math.inf)
        while (left_s := until_s - time.monotonic()) > 0:
            self._wait(left_s)
            self._step(math.inf)

    def ack(self, deliveries: Iterable[Delivery]) -> None:
        """Acknowledge, but for those of a connection that is gone: the broker sends them again."""
        if self._packets is not None:
            self._packets.acknowledge(
                [d.packet_id for d in deliveries if d.packet_id and d.connection == self.connects]
            )

    def close(self) -> None:
        """Send what is gathered and say goodbye; the session stays at the broker."""
        if self._packets is not None:
            self._client.disconnect()

    def _wait(self, wait_s: float) -> None:
        wait_s = min(wait_s, SELECT_MAX_S)
        if self._packets is None:
            time.sleep(max(0.0, min(wait_s, self._next_try_s - time.monotonic())))
            return
        reading = [self._packets] if self._held_bytes < HELD_BYTES_MAX else []
        writing = [] if self._packets.flush() else [self._packets]
        select.select(reading, writing, [], wait_s)

    def _step(self, held_max: float) -> None:
        """Whatever can be done without waiting: connect, read until ``held_max`` messages are
        held, write, keep alive.
        """
        if self._packets is None and time.monotonic() >= self._next_try_s:
            self._connect()
        if self._packets is not None:
            self._read(self._packets, held_max)
        if self._packets is not None:
            if self._refusal:
                self._client.disconnect()
            elif self._client.want_write():
                self._client.loop_write()
            self._client.loop_misc()

    def _read(self, packets: PacketSocket, held_max: float) -> None:
        held, connection = self._held, self.connects
        while len(held) < held_max and self._held_bytes < HELD_BYTES_MAX and packets.fill():
            at_us = self._now_us()
            while True:
                for topic, payload, packet_id, retained in packets.publishes():
                    held.append(Delivery(topic, payload, at_us, packet_id, connection, retained))
                    self._held_bytes += len(payload)
                if self._packets is not packets or not packets.lend():
                    break
                self._client.loop_read()
        if packets.ended and self._packets is packets:
            self._client.loop_read()

    def _connect(self) -> None:
        if self._short_lives >= SHORT_LIVES_MAX:
            raise SessionTaken(
                f"another client keeps taking the session of {self._broker.client_id!r}: give "
                f"each gateway a SMARTBIN_MQTT_CLIENT_ID of its own, or stop the other one"
            )
        self.connects += 1
        self._refusal = self._accepted_s = None
        try:
            self._client.reconnect()
            self._packets = self._client.packets
        except (OSError, ValueError) as error:
            self._lost(explain_error(error, self._broker))

    def _lost(self, why: str) -> None:
        now_s = time.monotonic()
        life_s = None if self._accepted_s is None else now_s - self._accepted_s
        if life_s is not None and life_s >= SHORT_LIFE_S:
            self._backoff.reset()
        short = life_s is not None and life_s < SHORT_LIFE_S and not self._refusal
        self._short_lives = self._short_lives + 1 if short else 0
        if self.problem != (why := self._refusal or why):
            log.warning("%s", why)
        self.problem = why
        self._packets = None
        self._next_try_s = now_s + self._backoff.next_s()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _: Any) -> None:
        if code.is_failure:
            self._refusal = explain_refusal(code.getName(), self._broker)
            return
        self._accepted_s = time.monotonic()
        self._asked.clear()
        stale = self._memory.opens(self._filters) if self._kept else []
        if stale:
            log.info("unsubscribing what is no longer configured: %s", _some(stale))
        for names in _chunks(stale):
            self._asked[self._client.unsubscribe(list(names))[1]] = names
        for names in _chunks(self._filters):
            self._asked[self._client.subscribe([(name, 1) for name in names])[1]] = names
        self._answered()

    def _on_subscribe(
        self, _client: Any, _data: Any, mid: int, codes: Sequence[ReasonCode], _: Any
    ) -> None:
        names = self._asked.pop(mid, [])
        refused = [name for name, code in zip(names, codes, strict=True) if code.is_failure]
        if refused:
            self._refusal = (
                f"the broker refuses the subscription to {_some(refused)}: allow "
                f"{self._broker.client_id!r} to read it in the broker's access list"
            )
            return
        self._answered()

    def _on_unsubscribe(self, _client: Any, _data: Any, mid: int, _codes: Any, _: Any) -> None:
        self._asked.pop(mid, None)
        self._answered()

    def _answered(self) -> None:
        """Nothing stands out any more: what is configured is what the session holds."""
        if self._asked or self._refusal:
            return
        if self._kept:
            self._memory.settled(self._filters)
        log.info("subscribed to %s", _some(self._filters))
        self.problem = None

    def _on_disconnect(
        self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _: Any
    ) -> None:
        self._lost(
            f"the connection to {self._broker.host}:{self._broker.port} ended ({code.getName()})"
        )


def _notice_silence(stream: socket.socket) -> None:
    """A connection that died without a word ends after some 25 s. MQTT's own pings, which must
    outlast the slowest write of a store, would take two minutes.
    """
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in SILENCE.items():
        if hasattr(socket, name):  # Linux has them all
            stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    return (list(names[n : n + FILTERS_MAX]) for n in range(0, len(names), FILTERS_MAX))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) or "nothing"
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


class _Client(paho.Client):
    """Paho, with a socket that reads ahead and waits for nothing."""

    def __init__(self, broker: BrokerAddress, kept: bool) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            clean_session=not kept,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self.packets: PacketSocket | None = None
        self._broker = broker
        if broker.username is not None:
            self.username_pw_set(broker.username, broker.password)
        self.connect_async(broker.host, broker.port, KEEPALIVE_S)

    def _create_socket(self) -> PacketSocket:
        address = (self._broker.host, self._broker.port)
        stream = socket.create_connection(address, timeout=CONNECT_MAX_S)
        try:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _notice_silence(stream)
            if self._broker.tls:
                trusted = ssl.create_default_context(cafile=self._broker.ca_file)
                stream = trusted.wrap_socket(stream, server_hostname=self._broker.host)
        except BaseException:
            stream.close()
            raise
        self.packets = PacketSocket(stream)
        return self.packets
