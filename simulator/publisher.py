"""Publishes over MQTT with QoS 1 and knows what the broker has acknowledged."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from smartbin.errors import BadInput

IN_FLIGHT_MAX = 500
IN_FLIGHT_BYTES_MAX = 8 * 1024 * 1024
PATIENCE_S = 60.0


class BrokerLost(Exception):
    """The broker did not acknowledge in time; the sentence says what to look at."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to publish."""

    host: str
    port: int
    user: str
    password: str
    tls: bool
    ca_file: Path | None

    @classmethod
    def parse(cls, url: str, password: str = "", ca_file: Path | None = None) -> Self:
        """From ``mqtt://user@host:1883`` or ``mqtts://...``; BadInput names the setting."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadInput(f"SMARTBIN_MQTT_URL: {url!r}: {error}; write mqtt://host:1883") from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BadInput(f"SMARTBIN_MQTT_URL: {url!r} is no broker; write mqtt://host:1883")
        if parts.password:
            raise BadInput(
                "SMARTBIN_MQTT_URL: no password in the address; set SMARTBIN_MQTT_PASSWORD"
            )
        tls = parts.scheme == "mqtts"
        user = unquote(parts.username or "")
        return cls(parts.hostname, port or (8883 if tls else 1883), user, password, tls, ca_file)


class Publisher:
    """One connection; bounded in flight; ``publish`` waits while the bound is reached."""

    def __init__(self, broker: Broker, client_id: str, patience_s: float = PATIENCE_S) -> None:
        self._where = f"{broker.host}:{broker.port}"
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._sizes: dict[int, int] = {}
        self._bytes = 0
        self._early: set[int] = set()
        self.published = self.acknowledged = 0
        self._refused = ""
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=False
        )
        client.max_inflight_messages_set(IN_FLIGHT_MAX)
        client.reconnect_delay_set(1, 8)
        client.on_publish = self._on_publish
        client.on_connect = self._on_connect
        if broker.user:
            client.username_pw_set(broker.user, broker.password or None)
        if broker.tls:
            client.tls_set(ca_certs=str(broker.ca_file) if broker.ca_file else None)
        try:
            client.connect(broker.host, broker.port, keepalive=60)
        except OSError as error:
            raise BadInput(
                f"SMARTBIN_MQTT_URL: no broker answers at {self._where} ({error}); start one or "
                "name another"
            ) from None
        client.loop_start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over one message; waits while too much is unacknowledged, and raises BrokerLost
        when nothing moves for the patience's length.
        """
        self._wait(lambda: len(self._sizes) < IN_FLIGHT_MAX and self._bytes < IN_FLIGHT_BYTES_MAX)
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        if info.rc not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_NO_CONN):
            raise BrokerLost(f"{self._where}: {mqtt.error_string(info.rc)}")
        self.published += 1
        with self._changed:
            if info.mid in self._early:
                self._early.remove(info.mid)
            else:
                self._sizes[info.mid] = len(payload)
                self._bytes += len(payload)

    def drain(self) -> None:
        """Wait until the broker has acknowledged everything."""
        self._wait(lambda: not self._sizes)

    def close(self) -> None:
        """Disconnect; what was not acknowledged is not waited for."""
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, done: Any) -> None:
        with self._changed:
            while not done():
                before = self.acknowledged
                if not self._changed.wait(self._patience_s) and self.acknowledged == before:
                    why = self._refused or "is it running, does it let this user publish?"
                    raise BrokerLost(
                        f"{self._where}: no acknowledgement for {self._patience_s:.0f} s: {why}"
                    )

    def _on_publish(self, _c: Any, _u: Any, mid: int, _reason: Any, _properties: Any) -> None:
        with self._changed:
            size = self._sizes.pop(mid, None)
            if size is None:  # the acknowledgement overtook publish()'s return
                self._early.add(mid)
            else:
                self._bytes -= size
            self.acknowledged += 1
            self._changed.notify_all()

    def _on_connect(self, _c: Any, _u: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._refused = (
                f"the broker refuses the connection ({reason})" if reason.is_failure else ""
            )
            self._changed.notify_all()
