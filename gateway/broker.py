"""Where the broker is, what is subscribed there, and what its refusals mean to an operator."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from smartbin.core.errors import BadInput

CLIENT_ID_BYTES_MAX = 1_000
SCHEMES = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are. With ``tls`` and no ``ca_file`` the system's own
    authorities are trusted.
    """

    host: str
    port: int
    tls: bool
    client_id: str
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None


def broker_of(
    url: str, client_id: str, password: str | None = None, ca_file: Path | None = None
) -> BrokerAddress:
    """The broker that a URL names, ``mqtt://user@host:1883`` or ``mqtts://host:8883``; raises
    BadInput.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in SCHEMES or not parts.hostname or port == 0 or parts.path.strip("/"):
        raise BadInput(
            "SMARTBIN_MQTT_URL: expected mqtt://[user@]host[:1883] or mqtts://[user@]host[:8883]"
        )
    if not 0 < len(client_id.encode()) <= CLIENT_ID_BYTES_MAX or not client_id.isprintable():
        raise BadInput(
            f"SMARTBIN_MQTT_CLIENT_ID: 1 to {CLIENT_ID_BYTES_MAX} printable bytes; leave it out, "
            "or give each gateway a short name that stays"
        )
    if parts.password is not None:
        raise BadInput(
            "SMARTBIN_MQTT_URL: a password does not belong in an address; "
            "set SMARTBIN_MQTT_PASSWORD or SMARTBIN_MQTT_PASSWORD_FILE"
        )
    if password and not parts.username:
        raise BadInput("SMARTBIN_MQTT_PASSWORD: needs a user in SMARTBIN_MQTT_URL, mqtt://user@...")
    if ca_file is not None:
        _try_authority(ca_file)
    return BrokerAddress(
        parts.hostname,
        port or SCHEMES[parts.scheme],
        parts.scheme == "mqtts",
        client_id,
        unquote(parts.username) if parts.username else None,
        password or None,
        ca_file,
    )


def _try_authority(ca_file: Path) -> None:
    """Refuse here what the first connection would fail at forever."""
    try:
        ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"SMARTBIN_MQTT_CA_FILE: {ca_file} is not a certificate in PEM ({error}); name the "
            "authority's own file"
        ) from None


class SessionMemory:
    """Remembers in a file which filters the session at the broker may hold, so that a gateway
    started with other settings unsubscribes what is no longer configured.
    """

    def __init__(self, file: Path, client_id: str) -> None:
        self._file = file
        self._client_id = client_id

    def opens(self, filters: Sequence[str]) -> list[str]:
        """Called before subscribing: returns what must be unsubscribed."""
        with self._locked():
            known = self._read()
            stale = [name for name in known.get(self._client_id, []) if name not in filters]
            self._write({**known, self._client_id: [*filters, *stale]})
        return stale

    def settled(self, filters: Sequence[str]) -> None:
        """The broker has unsubscribed what was stale."""
        with self._locked():
            self._write({**self._read(), self._client_id: list(filters)})

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Replicas of a gateway share the file."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, list[str]]:
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, list[str]]) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        os.replace(new, self._file)  # noqa: PTH105 - the name says that it is atomic


def explain_error(error: Exception, broker: BrokerAddress) -> str:
    """Why the broker cannot be reached, and what to look at."""
    where = f"{broker.host}:{broker.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {where} is not trusted ({error.verify_message}): "
            f"set SMARTBIN_MQTT_CA_FILE to the authority's PEM file"
        )
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {where} ({error.reason}): is SMARTBIN_MQTT_URL's scheme right?"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"cannot reach the broker at {where} ({said}): is it running, is SMARTBIN_MQTT_URL right?"
    )


def explain_refusal(reason: str, broker: BrokerAddress) -> str:
    """What the broker's answer to our greeting means."""
    where = f"the broker at {broker.host}:{broker.port}"
    if reason in ("Not authorized", "Bad user name or password"):
        return (
            f"{where} refuses user {broker.username!r}: check the user in SMARTBIN_MQTT_URL and "
            f"SMARTBIN_MQTT_PASSWORD"
        )
    if reason == "Client identifier not valid":
        return f"{where} refuses the client id {broker.client_id!r}: set SMARTBIN_MQTT_CLIENT_ID"
    return f"{where} refuses the connection ({reason})"
