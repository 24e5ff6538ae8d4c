"""Records that are away are StoreUnavailable, whichever way they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from smartbin.accounts.store import Accounts
from smartbin.core.calendar import Days
from smartbin.core.errors import StoreUnavailable
from smartbin.database import Database
from smartbin.database.engine import check, open_engine, prepare
from smartbin.people.sessions import Sessions
from smartbin.people.tokens import Tokens
from smartbin.points.redemptions import Reward, Shop
from smartbin.points.settle import Settler
from smartbin.sorting.revisions import CommunityDay, Revisions
from tests.places import SHANGHAI
from tests.records.books import DAY, NOW_US, REGISTRY, TARIFFS

ASKED: dict[str, Callable[[Engine], object]] = {
    "settle": lambda engine: Settler(engine, REGISTRY, TARIFFS).settle(NOW_US),
    "expire": lambda engine: Settler(engine, REGISTRY, TARIFFS).expire(NOW_US),
    "settle again": lambda engine: Settler(engine, REGISTRY, TARIFFS).again(Days(DAY, DAY)),
    "a token": lambda engine: Tokens(engine).principal_of("secret"),
    "a session": lambda engine: Sessions(engine).principal_of("secret", NOW_US),
    "an account": lambda engine: Accounts(engine).get("11111111"),
    "a reward": lambda engine: Shop(engine, SHANGHAI).put(Reward("soap", "皂", "soap", 5, 5, True)),
    "publish": lambda engine: Revisions(Database(engine)).publish(
        {CommunityDay("oak", DAY): {}}, date.min, NOW_US
    ),
}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    """A database without a table: what SQLite shows when its file was taken away."""
    engine = open_engine(f"sqlite:///{tmp_path}/records.db")
    yield engine
    engine.dispose()


@pytest.mark.parametrize("what", ASKED)
def test_records_without_their_tables(what: str, empty: Engine) -> None:
    with pytest.raises(StoreUnavailable, match=r"records( \(SMARTBIN_RECORDS_URL\))?: "):
        ASKED[what](empty)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"no database" * 1000)
    engine = open_engine(f"sqlite:///{tmp_path}/records.db")
    for asked in (prepare, check):
        with pytest.raises(StoreUnavailable, match=r"SMARTBIN_RECORDS_URL.*not a database"):
            asked(engine)
    engine.dispose()
