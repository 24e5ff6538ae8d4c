"""Publishes over MQTT with QoS 1 and knows what the broker has acknowledged.

One thread drives every connection, so that five thousand devices cost sockets and no threads. All
of paho happens in that thread; a caller hands messages over and waits for a bound or the end.
"""

from __future__ import annotations

import heapq
import itertools
import random
import resource
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from simulator.broker import CREDENTIALS, BrokerConnection, BrokerLost, Login
from simulator.recent import REPEAT_S, RecentMessages, SentMessage
from smartbin.core.errors import BadInput
from smartbin.facts import wire

IN_FLIGHT_MAX = 500
IN_FLIGHT_BYTES_MAX = 8 * 1024 * 1024
TIMEOUT_S = 60.0
FAREWELL_S = 3.0
KEEPALIVE_S = 60
WILL = b'{"state":"offline"}'
_CONNECTS_A_TURN = 16
_PAUSE_MIN_S, _PAUSE_MAX_S = 1.0, 8.0
_OTHER_FILES = 64


@dataclass(slots=True, eq=False)
class _Line:
    """One connection: what the broker has not acknowledged, by packet id, and what it has."""

    login: Login
    client: mqtt.Client
    will_topic: str | None
    in_flight: dict[int, SentMessage] = field(default_factory=dict)
    recent: RecentMessages = field(default_factory=RecentMessages)
    pause_s: float = _PAUSE_MIN_S
    up: bool = False
    refused: str = ""


class Publisher:
    """Some connections; bounded in flight; ``publish`` waits while the bound is reached.

    With one login everything goes over it. With the logins of devices each message goes over its
    device's connection, whose client id is the device's id. ``birth`` makes of them devices that
    live: it gives the status a device states, retained, whenever it has connected; the broker
    keeps its last will, and closing says that it is offline.

    Whoever had to reconnect sends again what was acknowledged in the last ``again_s`` seconds: the
    broker may have forgotten it. Those repetitions count as published and acknowledged, too.
    """

    def __init__(
        self,
        broker: BrokerConnection,
        logins: Sequence[Login],
        *,
        site: str = "",
        birth: Callable[[str], bytes] | None = None,
        patience_s: float = TIMEOUT_S,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        self._broker, self._patience_s, self._birth = broker, patience_s, birth
        self._keepalive_s = keepalive_s
        self.again_s = REPEAT_S
        self._changed = threading.Condition()
        self._unsent: deque[tuple[_Line, SentMessage]] = deque()
        self._messages = self._bytes = 0  # handed over and not acknowledged
        self.published = self.acknowledged = 0
        self._ending = False
        self._failed: Exception | None = None
        self._unreachable = ""
        self._started = False
        _raise_open_files(len(logins) + _OTHER_FILES)
        trust = _trust(broker)
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._lines = {
            login.client_id: self._line(login, trust, site if birth else "") for login in logins
        }
        self._only = next(iter(self._lines.values())) if len(logins) == 1 and not birth else None
        self._order = itertools.count()
        self._down = [(0.0, next(self._order), line) for line in self._lines.values()]
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()
        try:
            self._wait(lambda: all(line.up for line in self._lines.values()))
        except BaseException:
            self.close()
            raise
        self._started = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over one message; waits while too much is unacknowledged, and raises BrokerLost
        when nothing moves for the patience's length.
        """
        line = self._only or self._lines[topic.split("/")[3]]
        self._wait(lambda: self._messages < IN_FLIGHT_MAX and self._bytes < IN_FLIGHT_BYTES_MAX)
        with self._changed:
            self._messages += 1
            self._bytes += len(payload)
            self.published += 1
        self._unsent.append((line, SentMessage(topic, payload, retain)))
        self._waker.send(b"\0")

    def drain(self) -> None:
        """Wait until the broker has acknowledged everything."""
        self._wait(lambda: self._messages == 0)

    def close(self) -> None:
        """Disconnect; what was not acknowledged is waited for a moment only."""
        self._ending = True
        self._waker.send(b"\0")
        self._thread.join()
        self._wake.close()
        self._waker.close()
        self._selector.close()

    def _wait(self, done: Callable[[], bool]) -> None:
        with self._changed:
            while not done():
                self._raise_what_failed()
                before = self._moves()
                if not self._changed.wait(self._patience_s) and self._moves() == before:
                    why = self._unreachable or self._refusals() or "is it running?"
                    raise BrokerLost(
                        f"{self._broker.where}: no acknowledgement for {self._patience_s:.0f} s: "
                        f"{why}"
                    )
            self._raise_what_failed()

    def _moves(self) -> tuple[int, int]:
        return self.acknowledged, sum(line.up for line in self._lines.values())

    def _raise_what_failed(self) -> None:
        if self._failed:
            raise self._failed
        if self._started:
            return  # a broker that is away comes back, and a credential is made anew
        if self._unreachable:
            raise BadInput(
                f"SMARTBIN_MQTT_URL: no broker answers at {self._broker.where} "
                f"({self._unreachable}); start one, name another, or mend SMARTBIN_MQTT_CA_FILE"
            )
        if refusals := self._refusals():
            raise BadInput(refusals)

    def _refusals(self) -> str:
        refused = [line for line in self._lines.values() if line.refused]
        if not refused:
            return ""
        first, more = refused[0], f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        said = f"the broker at {self._broker.where} refuses"
        if self._broker.credentials is None:
            user = first.login.user or "a connection without a user"
            return (
                f"{said} {user} ({first.refused}); mend SMARTBIN_MQTT_URL, SMARTBIN_MQTT_PASSWORD"
            )
        return (
            f"{CREDENTIALS}: {said} {first.login.client_id}{more} ({first.refused}); does "
            "the broker know this table? 'smartbin provision rotate DEVICE' mends it"
        )

    # What follows happens in the thread that drives the connections.

    def _line(self, login: Login, trust: ssl.SSLContext | None, site: str) -> _Line:
        # Against a broker's patience a device's buffer is its own: the session need not last.
        client = mqtt.Client(CallbackAPIVersion.VERSION2, login.client_id, clean_session=True)
        client.max_inflight_messages_set(IN_FLIGHT_MAX)
        topic = wire.topic_of(site, login.client_id, "status") if site else None
        line = _Line(login, client, topic)
        client.user_data_set(line)
        client.on_publish = self._on_publish
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        if login.user:
            client.username_pw_set(login.user, login.password or None)
        if trust:
            client.tls_set_context(trust)
        if topic:
            client.will_set(topic, WILL, qos=1, retain=True)
        client.connect_async(self._broker.host, self._broker.port, self._keepalive_s)
        return line

    def _run(self) -> None:
        try:
            misc_s = 0.0
            while not self._ending:
                self._turn()
                if time.monotonic() > misc_s:
                    misc_s = time.monotonic() + 1
                    for line in self._lines.values():
                        line.client.loop_misc()
            self._farewell()
        except Exception as error:
            with self._changed:
                self._failed = error
                self._changed.notify_all()

    def _turn(self) -> None:
        self._connect_some()
        wait_s = 0.5
        if self._down:
            wait_s = min(wait_s, max(0.0, self._down[0][0] - time.monotonic()))
        for key, events in self._selector.select(wait_s):
            if key.data is not None:
                _serve(key.data.client, events)
            else:
                self._wake.recv(65_536)
        while self._unsent:
            self._send(*self._unsent.popleft())

    def _send(self, line: _Line, message: SentMessage) -> None:
        info = line.client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        if info.rc not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_NO_CONN):
            raise BrokerLost(f"{self._broker.where}: {mqtt.error_string(info.rc)}")
        line.in_flight[info.mid] = message

    def _send_more(self, line: _Line, message: SentMessage) -> None:
        """What no caller handed over."""
        self._changed_by(1, len(message.payload))
        self._send(line, message)

    def _connect_some(self) -> None:
        for _ in range(_CONNECTS_A_TURN):
            if not self._down or self._down[0][0] > time.monotonic():
                return
            line = heapq.heappop(self._down)[2]
            try:
                line.client.reconnect()
            except OSError as error:
                self._again(line)
                with self._changed:
                    self._unreachable = str(error)
                    self._changed.notify_all()
                return

    def _again(self, line: _Line) -> None:
        due_s = time.monotonic() + line.pause_s * random.uniform(0.5, 1)
        line.pause_s = min(_PAUSE_MAX_S, line.pause_s * 2)
        heapq.heappush(self._down, (due_s, next(self._order), line))

    def _farewell(self) -> None:
        """Devices that live say that they go; all disconnect."""
        lines = list(self._lines.values())
        for line in lines:
            if line.up and line.will_topic:
                self._send_more(line, SentMessage(line.will_topic, WILL, True))
        until_s = time.monotonic() + FAREWELL_S
        self._serve_until(lambda: not any(line.in_flight and line.up for line in lines), until_s)
        for line in lines:
            line.client.disconnect()
        self._serve_until(lambda: len(self._selector.get_map()) == 1, until_s + 1)
        for line in lines:
            line.client.on_socket_close = None  # what is still open closes when it is forgotten

    def _serve_until(self, done: Callable[[], bool], until_s: float) -> None:
        while not done() and time.monotonic() < until_s:
            for key, events in self._selector.select(0.1):
                if key.data is not None:
                    _serve(key.data.client, events)

    def _changed_by(self, messages: int, size: int) -> None:
        with self._changed:
            self._messages += messages
            self._bytes += size
            if messages > 0:
                self.published += messages
            else:
                self.acknowledged -= messages
            self._changed.notify_all()

    def _on_publish(self, _c: Any, line: _Line, mid: int, _reason: Any, _properties: Any) -> None:
        message = line.in_flight.pop(mid)
        line.recent.keep(message, time.monotonic())
        self._changed_by(-1, -len(message.payload))

    def _on_connect(self, _c: Any, line: _Line, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            for message in line.recent.take(time.monotonic() - self.again_s):
                self._send_more(line, message)
            if line.will_topic and self._birth:
                birth = self._birth(line.login.client_id)
                self._send_more(line, SentMessage(line.will_topic, birth, True))
        with self._changed:
            line.refused = str(reason) if reason.is_failure else ""
            line.up = not reason.is_failure
            if line.up:
                line.pause_s, self._unreachable = _PAUSE_MIN_S, ""
            self._changed.notify_all()

    def _on_disconnect(self, _c: Any, line: _Line, *_: Any) -> None:
        line.up = False
        if not self._ending:
            self._again(line)

    def _on_socket_open(self, _c: Any, line: _Line, sock: Any) -> None:
        self._selector.register(sock, selectors.EVENT_READ, line)

    def _on_socket_close(self, _c: Any, _line: _Line, sock: Any) -> None:
        self._selector.unregister(sock)

    def _on_register_write(self, _c: Any, line: _Line, sock: Any) -> None:
        self._selector.modify(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, line)

    def _on_unregister_write(self, _c: Any, line: _Line, sock: Any) -> None:
        self._selector.modify(sock, selectors.EVENT_READ, line)


def _serve(client: mqtt.Client, events: int) -> None:
    if events & selectors.EVENT_READ:
        client.loop_read()
        # What TLS has decrypted already shows in no select.
        while isinstance(sock := client.socket(), ssl.SSLSocket) and sock.pending():
            client.loop_read()
    if events & selectors.EVENT_WRITE:
        client.loop_write()


def _trust(broker: BrokerConnection) -> ssl.SSLContext | None:
    if not broker.tls:
        return None
    try:
        return ssl.create_default_context(cafile=str(broker.ca_file) if broker.ca_file else None)
    except OSError as error:
        raise BadInput(
            f"SMARTBIN_MQTT_CA_FILE: cannot use {broker.ca_file} ({error}); name a PEM file"
        ) from None


def _raise_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BadInput(
            f"{wanted} open files are needed for a connection a device, and {hard} are allowed; "
            "raise the limit (ulimit -n) or use fewer devices"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
