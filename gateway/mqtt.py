"""The gateway's MQTT session: the only place that knows paho.

One thread pulls. Callbacks only append to a list; not reading the socket is the back-pressure. MQTT
3.1.1 with a stable client id and a persistent session: with MQTT 5 paho 2.2 builds a property table
for every message and is half as fast. Devices may use either version.
"""

from __future__ import annotations

import logging
import random
import select
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gateway.pipeline import Delivery, Stopping
from gateway.readahead import ReadAhead
from smartbin import calendar
from smartbin.errors import BadInput

KEEPALIVE_S = 30
RECONNECT_MAX_S = 30.0
# A connection that the broker accepts and that is gone within seconds, this often in a row, is
# another client under our id: each of the two throws the other out.
TAKEOVER_LIVED_S = 10.0
TAKEOVERS_MAX = 4
log = logging.getLogger("gateway.mqtt")


class SessionTaken(Exception):
    """Another client uses our client id."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and who we are."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None
    ca_file: Path | None
    client_id: str

    @classmethod
    def parse(
        cls, url: str, client_id: str, password: str | None = None, ca_file: Path | None = None
    ) -> Address:
        """From ``mqtt://user@host:1883`` or ``mqtts://host:8883``; BadInput names the setting."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == -1:
            raise BadInput(
                f"SMARTBIN_MQTT_URL: {parts.scheme}://{parts.hostname or ''} is no broker's "
                "address; write mqtt://HOST:1883 or mqtts://USER@HOST:8883"
            )
        tls = parts.scheme == "mqtts"
        user = unquote(parts.username) if parts.username else None
        secret = password or (unquote(parts.password) if parts.password else None)
        return cls(
            parts.hostname, port or (8883 if tls else 1883), tls, user, secret, ca_file, client_id
        )


class _Client(paho.Client):
    def _create_socket(self) -> Any:
        inner: Any = super()._create_socket()
        return ReadAhead(inner)


class Session:
    """A persistent subscription, pulled batch by batch."""

    def __init__(
        self, address: Address, filters: Sequence[str], stopping: Callable[[], bool]
    ) -> None:
        self._address, self._filters, self._stopping = address, list(filters), stopping
        self._inbox: deque[Delivery] = deque()
        self._connection = 0
        self._subscribed = False
        self._connected_s = 0.0
        self._takeovers = 0
        self._pause_s, self._next_try_s = 0.5, 0.0
        self._chance = random.Random()  # noqa: S311 - jitter, no secret
        self._client = self._make_client()

    def receive(self, batch_max: int, wait_s: float) -> list[Delivery]:
        """Up to ``batch_max`` deliveries: what is there, or the first that comes within a wait."""
        deadline_s = time.monotonic() + wait_s
        while not self._inbox and not self._stopping():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            self._turn(left_s, batch_max)
        while 0 < len(self._inbox) < batch_max and self._turn(0, batch_max):
            pass
        return [self._inbox.popleft() for _ in range(min(batch_max, len(self._inbox)))]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge the deliveries of the connection that still stands; the rest come again.

        Packet ids are reused, so an acknowledgement on a later connection could destroy a message
        that nobody has stored.
        """
        sock: Any = self._client.socket()
        if sock is None:
            return
        sock.gather()
        for delivery in deliveries:
            if delivery.connection == self._connection and delivery.message_id:
                self._client.ack(delivery.message_id, 1)
        self._flush(sock)

    def idle(self, wait_s: float) -> None:
        """Wait while a store is down: pings go on, and what comes in waits in the inbox (never more
        than the broker's window of unacknowledged messages)."""
        deadline_s = time.monotonic() + wait_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            if self._stopping():
                raise Stopping
            self._turn(min(left_s, 0.5), 1 << 30)

    @property
    def alive(self) -> bool:
        """Connected, and every subscription granted."""
        return self._client.socket() is not None and self._subscribed

    @property
    def waiting(self) -> int:
        """How many deliveries were read and not yet handed out."""
        return len(self._inbox)

    def close(self) -> None:
        """Say good-bye; the session and its queue stay at the broker."""
        if (sock := self._client.socket()) is not None:
            self._flush(sock)
            self._client.disconnect()

    def _turn(self, wait_s: float, inbox_max: int) -> bool:
        """One round of input and output; answers whether anything was read."""
        sock: Any = self._client.socket()
        if sock is None:
            self._connect(wait_s)
            return False
        pending = sock.pending() > 0
        if not pending:
            wants = [sock] if sock.unsent() or self._client.want_write() else []
            try:
                readable, writable, _ = select.select([sock], wants, [], min(wait_s, 1.0))
            except (ValueError, OSError):
                readable, writable = [sock], []
            if writable:
                self._flush(sock)
                self._client.loop_write()
            pending = bool(readable)
        if pending:
            self._client.loop_read()
            while len(self._inbox) < inbox_max and self._holds(sock) and sock.pending():
                self._client.loop_read()
        self._client.loop_misc()
        return bool(pending)

    def _holds(self, sock: Any) -> bool:
        return self._client.socket() is sock

    def _connect(self, wait_s: float) -> None:
        pause_s = self._next_try_s - time.monotonic()
        if pause_s > 0:
            time.sleep(min(pause_s, wait_s, 0.5))
            return
        self._next_try_s = time.monotonic() + self._pause_s * self._chance.uniform(0.5, 1.0)
        self._pause_s = min(RECONNECT_MAX_S, self._pause_s * 2)
        self._connection += 1
        self._subscribed = False
        try:
            self._client.connect(self._address.host, self._address.port, KEEPALIVE_S)
        except (OSError, ssl.SSLError) as error:
            self._takeovers = 0  # a broker that is away is not a rival
            where = f"{self._address.host}:{self._address.port}"
            log.warning("no connection to the broker %s (%s); trying again", where, error)

    def _flush(self, sock: Any) -> None:
        try:
            sock.flush()
        except OSError:
            self._client.loop_read()  # paho finds the connection gone and says so

    def _make_client(self) -> paho.Client:
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._address.client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        if self._address.user:
            client.username_pw_set(self._address.user, self._address.password)
        if self._address.tls:
            ca_file = str(self._address.ca_file) if self._address.ca_file else None
            client.tls_set_context(ssl.create_default_context(cafile=ca_file))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: Any, _data: Any, _flags: Any, code: Any, _props: Any) -> None:
        if code.is_failure:
            log.error("the broker refuses us: %s (SMARTBIN_MQTT_URL, SMARTBIN_MQTT_PASSWORD)", code)
            return
        self._connected_s, self._pause_s = time.monotonic(), 0.5
        # Every time: a broker that lost its state would else be silent for ever.
        client.subscribe([(name, 1) for name in self._filters])

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, codes: Any, _props: Any) -> None:
        refused = [code for code in codes if code.is_failure]
        self._subscribed = not refused
        if refused:
            log.error("the broker refuses %s: look at its access list", ", ".join(self._filters))
        else:
            log.info("subscribed to %s", ", ".join(self._filters))

    def _on_disconnect(self, _c: Any, _data: Any, _flags: Any, code: Any, _props: Any) -> None:
        lived_s = time.monotonic() - self._connected_s if self._subscribed else None
        self._subscribed = False
        self._next_try_s = time.monotonic() + self._pause_s * self._chance.uniform(0.5, 1.0)
        log.warning("disconnected from the broker (%s)", code)
        short = lived_s is not None and lived_s < TAKEOVER_LIVED_S
        self._takeovers = self._takeovers + 1 if short else 0
        if self._takeovers >= TAKEOVERS_MAX:
            raise SessionTaken(
                f"another client uses the id {self._address.client_id!r} and takes our session: "
                "stop one of the two, or give each its own SMARTBIN_MQTT_CLIENT_ID"
            )

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        now_us = calendar.to_us(datetime.now(UTC))
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = bytes(message._topic).decode("utf-8", "replace")
        mid = message.mid if message.qos else 0
        self._inbox.append(
            Delivery(topic, bytes(message.payload), now_us, mid, self._connection, message.retain)
        )
