"""Where an InfluxDB 2 is, and how its answers become the port's two errors.

Two buckets: ``NAME`` keeps what statistics are made of forever, ``NAME_levels`` what describes
the present, for a while.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from smartbin.core.errors import BadInput, StoreRefused, StoreUnavailable

SETTING = "SMARTBIN_TELEMETRY_URL"
TOKEN_SETTING = "SMARTBIN_TELEMETRY_TOKEN"  # noqa: S105 - the setting's name
EXAMPLE = "influx+http://127.0.0.1:8086/?org=smartbin&bucket=smartbin"
CONNECT_MS, ANSWER_MS = 3_000, 10_000
"""How long a connection and an answer may take; the gateway serves its broker in between."""
CONNECTIONS_MAX = 40
"""Connections kept open: one for each thread of the API's pool."""

_REFUSES = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Address:
    """The server's own URL, the organisation and the bucket."""

    url: str
    org: str
    bucket: str

    @property
    def levels(self) -> str:
        """The bucket of levels, status and alarms."""
        return f"{self.bucket}_levels"

    def client(self, token: str | None) -> InfluxDBClient:
        """A client with bounded waits. Raises BadInput without a token."""
        if not token:
            raise BadInput(
                f"{TOKEN_SETTING}: InfluxDB needs a token; set it, or {TOKEN_SETTING}_FILE to the "
                "file that holds it"
            )
        return InfluxDBClient(
            url=self.url,
            token=token,
            org=self.org,
            timeout=(CONNECT_MS, ANSWER_MS),
            connection_pool_maxsize=CONNECTIONS_MAX,
        )


def address_of(url: str) -> Address:
    """Read ``influx+http(s)://HOST:PORT/?org=ORG&bucket=BUCKET``. Raises BadInput, one sentence."""
    parts = urlsplit(url.removeprefix("influx+"))
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise BadInput(f"{SETTING}: no host and port; write {EXAMPLE}")
    if parts.username or parts.password:
        raise BadInput(f"{SETTING}: no user in the address; InfluxDB takes {TOKEN_SETTING}")
    if wrong := sorted(set(asked) - {"org", "bucket"}):
        raise BadInput(f"{SETTING}: unknown parameter {wrong[0]!r}; write {EXAMPLE}")
    for name in ("org", "bucket"):
        if not asked.get(name):
            raise BadInput(f"{SETTING}: {name}= is missing; write {EXAMPLE}")
    return Address(
        f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", asked["org"], asked["bucket"]
    )


@contextmanager
def typed_errors(address: Address) -> Iterator[None]:
    """Turn what the client raises into the port's two errors, by what the caller should do: only
    content is refused; an operator's mistake (token, bucket) can be mended, so it is repeated.
    """
    try:
        yield
    except ApiException as error:
        said = said_by(error)
        if error.status in _REFUSES:
            raise StoreRefused(said) from error
        raise StoreUnavailable(sentence(address, error.status or 0, said)) from error
    except UnicodeError as error:
        raise StoreRefused(f"{type(error).__name__}: {error}") from error
    except (HTTPError, OSError) as error:
        raise StoreUnavailable(
            f"InfluxDB at {address.url} cannot be reached ({type(error).__name__}): check that it "
            f"runs and that {SETTING} names its host and port"
        ) from error


def said_by(error: ApiException) -> str:
    """InfluxDB's own reason."""
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else error.body
    try:
        return str(json.loads(body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(body or error.reason or error.status).strip()


def sentence(address: Address, status: int, said: str) -> str:
    """What an operator should do about an answer of ``status``."""
    where = f"InfluxDB at {address.url}"
    if status == 401:
        return (
            f"{where} does not know the token (401): set {TOKEN_SETTING} or {TOKEN_SETTING}_FILE "
            "to one of its tokens"
        )
    if status == 403:
        return (
            f"{where} forbids it (403, {said}): give the token of {TOKEN_SETTING} access to the "
            f"buckets {address.bucket} and {address.levels}"
        )
    if status == 404:
        return (
            f"{where} misses something (404, {said}): make the buckets with "
            f"'smartbin setup', or correct org= and bucket= in {SETTING}"
        )
    return f"{where} cannot take or answer it now ({status}, {said}); {SETTING} names it"
