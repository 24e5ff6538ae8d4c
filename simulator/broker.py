"""Where to publish and as whom: the broker's address and the devices' credentials."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from smartbin.core.errors import BadInput

CREDENTIALS = "SMARTBIN_SIMULATOR_CREDENTIALS"
_HEADER = ["device", "username", "password"]
_MAKE = "'smartbin provision make' writes it"


class BrokerLost(Exception):
    """The broker did not acknowledge in time; the sentence says what to look at."""


class Login(NamedTuple):
    """One MQTT connection: its client id, and with whose right it connects ("" for nobody's)."""

    client_id: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class BrokerConnection:
    """Where to publish, and the logins of the devices when each has its own."""

    host: str
    port: int
    user: str
    password: str
    tls: bool
    ca_file: Path | None
    credentials: Path | None = None

    @classmethod
    def parse(
        cls,
        url: str,
        password: str = "",
        ca_file: Path | None = None,
        credentials: Path | None = None,
    ) -> Self:
        """From ``mqtt://user@host:1883`` or ``mqtts://...``; BadInput names the setting."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadInput(f"SMARTBIN_MQTT_URL: {url!r}: {error}; write mqtt://host:1883") from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BadInput(f"SMARTBIN_MQTT_URL: {url!r} is not a broker; write mqtt://host:1883")
        if parts.password:
            raise BadInput(
                "SMARTBIN_MQTT_URL: no password in the address; set SMARTBIN_MQTT_PASSWORD"
            )
        tls = parts.scheme == "mqtts"
        port = port or (8883 if tls else 1883)
        user = unquote(parts.username or "")
        return cls(parts.hostname, port, user, password, tls, ca_file, credentials)

    @property
    def where(self) -> str:
        """Host and port, for sentences."""
        return f"{self.host}:{self.port}"

    def login(self, client_id: str) -> Login:
        """One connection for everything, with the address's user."""
        return Login(client_id, self.user, self.password)

    def logins(self, devices: Iterable[str]) -> list[Login]:
        """A connection for each device, its client id the device's id: with its own credential,
        or with the address's user when no credentials are set.
        """
        if self.credentials is None:
            return [self.login(device) for device in devices]
        known = _credentials(self.credentials)
        wanted = list(devices)
        without = [device for device in wanted if device not in known]
        if without:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            raise BadInput(f"{CREDENTIALS}: {self.credentials} lacks {without[0]}{more}; {_MAKE}")
        return [known[device] for device in wanted]


def _credentials(path: Path) -> dict[str, Login]:
    try:
        rows: Sequence[list[str]] = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"{CREDENTIALS}: cannot read {path} ({why}); {_MAKE}") from None
    if not rows or rows[0] != _HEADER or any(len(row) != 3 or not all(row) for row in rows):
        raise BadInput(f"{CREDENTIALS}: {path} is not a table {','.join(_HEADER)}; {_MAKE}")
    return {row[0]: Login(*row) for row in rows[1:]}
