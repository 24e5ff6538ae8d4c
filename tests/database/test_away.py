"""Records that are away are StoreUnavailable, whichever way they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from smartbin.accounts.store import Accounts
from smartbin.core.calendar import Days
from smartbin.core.errors import StoreUnavailable
from smartbin.database import Database
from smartbin.people.sessions import Sessions
from smartbin.people.tokens import Tokens
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.points.settle import Settler
from smartbin.sorting.revisions import CommunityDay, Revisions
from tests.points.books import DAY, NOW_US, REGISTRY, TARIFFS

ASKED: dict[str, Callable[[Database], object]] = {
    "settle": lambda database: Settler(database, REGISTRY, TARIFFS).settle(NOW_US),
    "expire": lambda database: Settler(database, REGISTRY, TARIFFS).expire(NOW_US),
    "settle again": lambda database: Settler(database, REGISTRY, TARIFFS).again(Days(DAY, DAY)),
    "a token": lambda database: Tokens(database).principal_of("secret", 0),
    "a session": lambda database: Sessions(database).principal_of("secret", NOW_US),
    "an account": lambda database: Accounts(database).get("11111111"),
    "a reward": lambda database: RewardCatalogue(database).put(
        Reward("soap", "皂", "soap", 5, 5, True)
    ),
    "publish": lambda database: Revisions(database).publish(
        {CommunityDay("oak", DAY): {}}, date.min, NOW_US
    ),
}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    """A database without a table: what SQLite shows when its file was taken away."""
    database = Database.open(f"sqlite:///{tmp_path}/records.db")
    yield database
    database.close()


@pytest.mark.parametrize("what", ASKED)
def test_records_without_their_tables(what: str, empty: Database) -> None:
    with pytest.raises(StoreUnavailable, match=r"records \(SMARTBIN_RECORDS_URL\): "):
        ASKED[what](empty)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"no database" * 1000)
    database = Database.open(f"sqlite:///{tmp_path}/records.db")
    for asked in (database.prepare, database.check):
        with pytest.raises(StoreUnavailable, match=r"SMARTBIN_RECORDS_URL.*not a database"):
            asked()
    database.close()
