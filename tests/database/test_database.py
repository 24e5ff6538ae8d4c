"""The two ways into the database, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text

from smartbin.core.errors import ConstraintViolated, StoreRefused, StoreUnavailable
from smartbin.database import Database
from smartbin.people.tables import token
from smartbin.points.tables import reward

ROW = {"name": "truck", "role": "crew", "community": None, "hash": "0"}
TOKENS = select(func.count()).select_from(token)


def test_a_reader_sees_one_moment_and_does_not_wait_for_the_writer(database: Database) -> None:
    with database.read() as reader:
        assert reader.scalar(TOKENS) == 0
        with database.write() as writer:
            writer.execute(insert(token).values(ROW))
            assert reader.scalar(TOKENS) == 0, "not committed yet"
        assert reader.scalar(TOKENS) == 0, "committed after the reader's moment"
    with database.read() as reader:
        assert reader.scalar(TOKENS) == 1


def test_postgresql_refuses_a_write_in_a_read(database: Database) -> None:
    if database.dialect == "postgresql":
        with pytest.raises(StoreUnavailable, match="read-only"), database.read() as reader:
            reader.execute(insert(token).values(ROW))
    with database.write() as writer:  # the connection that comes back from the pool writes again
        writer.execute(insert(token).values(ROW))


def test_what_is_raised_inside_undoes_the_whole_transaction(database: Database) -> None:
    with pytest.raises(LookupError), database.write() as db:
        raise LookupError(db.execute(insert(token).values(ROW)))
    with database.read() as db:
        assert db.scalar(TOKENS) == 0


def test_a_row_that_stands_against_it_is_a_violated_constraint(database: Database) -> None:
    with database.write() as db:
        db.execute(insert(token).values(ROW))
    with pytest.raises(ConstraintViolated, match="records: "), database.write() as db:
        db.execute(insert(token).values(ROW))


def test_a_number_of_more_than_64_bits_is_refused_either_way(database: Database) -> None:
    with pytest.raises(StoreRefused), database.read() as db:
        db.execute(select(reward).where(reward.c.price == 2**64))
    row = {"id": "soap", "name_zh": "", "name_en": "", "price": 2**64, "stock": 1, "offered": True}
    with pytest.raises(StoreRefused), database.write() as db:
        db.execute(insert(reward).values(row))


def test_an_error_of_our_own_is_not_the_databases(database: Database) -> None:
    with pytest.raises(OverflowError), database.read():
        raise OverflowError("of the code inside")


def test_every_other_error_is_a_database_that_does_not_answer(database: Database) -> None:
    unknown = text("SELECT * FROM no_such_table")
    for way in (database.read, database.write):
        with pytest.raises(StoreUnavailable, match="SMARTBIN_RECORDS_URL"), way() as db:
            db.execute(unknown)


def test_a_second_writer_of_sqlite_waits_and_is_told_to_repeat(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    gateway, api = Database.open(url), Database.open(url)
    gateway.prepare()

    @event.listens_for(api.engine, "connect")
    def wait_shorter(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    with gateway.write():
        with api.read() as reader:
            assert reader.scalar(TOKENS) == 0
        # At its begin, and not at its first statement: what it read would be out of date by then.
        with pytest.raises(StoreUnavailable, match="database is locked"), api.write():
            pytest.fail("let in beside another writer")
    with api.write() as writer:
        writer.execute(insert(token).values(ROW))
    gateway.close()
    api.close()
