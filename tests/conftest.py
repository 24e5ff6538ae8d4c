"""What tests of more than one room need: databases, books, an API, and real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from smartbin.database import Database
from tests import influx, postgres
from tests.api.client import Api, opened
from tests.database import ready
from tests.points.books import Books
from tests.quick import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_ignore_collect,
)

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_ignore_collect",
]

# Speed is measured, never asserted: on a busy machine any example is slow once.
settings.register_profile("project", settings(), deadline=None)
settings.load_profile("project")


@pytest.fixture(scope="session")
def influx_server() -> Iterator[influx.Influx]:
    """One real InfluxDB 2 for the session."""
    with influx.server() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """One real PostgreSQL for the session."""
    with postgres.server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with all tables: on SQLite and on a real PostgreSQL."""
    if request.param == "sqlite":
        yield ready.sqlite(tmp_path)
        return
    running: postgres.Postgres = request.getfixturevalue("postgres_server")
    with running.database() as url:
        yield url


@pytest.fixture
def database(records_url: str) -> Iterator[Database]:
    """The records, on both databases."""
    opened = Database.open(records_url)
    yield opened
    opened.close()


@pytest.fixture
def books(database: Database, tmp_path: Path) -> Books:
    """Accounts, deposits and a ledger of a small site, with two accounts, on both databases."""
    kept = Books(database, tmp_path)
    kept.load()
    return kept


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """An API over SQLite stores, with a token for every role."""
    with opened(tmp_path) as made:
        yield made
