"""An API over real SQLite stores, and a way to put facts into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from api.app import create_app
from api.parts import Parts
from api.security import COOKIE
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.people.principals import Principal
from smartbin.people.sessions import Sessions
from smartbin.people.tokens import Role, Tokens
from smartbin.places import Registry
from smartbin.telemetry import TelemetryWriter, open_reader, open_writer
from tests.database import ready
from tests.places.small import SHANGHAI, small_registry
from tests.points.books import TARIFFS

TODAY = date(2026, 11, 23)
NOON_US = calendar.start_us(TODAY, SHANGHAI) + 12 * calendar.US_PER_HOUR
WINDOW = Days(date(2026, 11, 1), TODAY)
ACCOUNT = "acc-oak-1"
# What the screens send with every request; see api/security.py.
PAGE = {"X-Requested-With": "smartbin"}


@dataclass
class Api:
    client: TestClient
    writer: TelemetryWriter
    parts: Parts
    tokens: dict[Role, str]

    def get(self, path: str, role: Role = Role.CREW) -> Any:
        answer = self.client.get(f"/api/v1/{path}", headers=self.as_(role))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def as_(self, role: Role) -> dict[str, str]:
        if role is Role.RESIDENT:
            resident = Principal(role, ACCOUNT, account=ACCOUNT)
            secret = Sessions(self.parts.database).start(resident, "test", NOON_US)
            return {"Cookie": f"{COOKIE}={secret}"}
        return {"Authorization": f"Bearer {self.tokens[role]}"} if role in self.tokens else {}


@contextmanager
def opened(folder: Path, registry: Registry | None = None) -> Iterator[Api]:
    """An API over SQLite stores in a folder; of the small site, unless another is given."""
    url = f"sqlite:///{folder}/telemetry.db"
    writer, reader = open_writer(url, SHANGHAI), open_reader(url, SHANGHAI)
    database = Database.open(ready.sqlite(folder))
    tokens: dict[Role, str] = {
        role: Tokens(database).create(role, role, "oak" if role is Role.COMMUNITY else None)
        for role in Role
        if role not in (Role.PUBLIC, Role.RESIDENT)
    }
    parts = Parts(
        registry or small_registry(),
        reader,
        database,
        folder / "quarantine",
        lambda: NOON_US,
        tariffs=TARIFFS,
    )
    with TestClient(create_app(parts), raise_server_exceptions=False, headers=PAGE) as client:
        yield Api(client, writer, parts, tokens)
    reader.close()
    writer.close()
    database.close()
