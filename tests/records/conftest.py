"""The records' databases: every test of this folder runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smartbin.database import Database
from tests import postgres
from tests.records import ready
from tests.records.books import Books


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    with postgres.server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with all tables."""
    if request.param == "sqlite":
        yield ready.sqlite(tmp_path)
        return
    running: postgres.Postgres = request.getfixturevalue("postgres_server")
    with running.database() as url:
        yield url


@pytest.fixture
def database(records_url: str) -> Iterator[Database]:
    opened = Database.open(records_url)
    yield opened
    opened.close()


@pytest.fixture
def books(database: Database, tmp_path: Path) -> Books:
    """Accounts, deposits and a ledger of a small site, with two accounts."""
    kept = Books(database, tmp_path)
    kept.load()
    return kept
