"""SQLite's file: asked in several statements, by names that are never SQL; and when it is away."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smartbin.core.errors import BadInput, StoreUnavailable
from smartbin.facts.events import DoorKey, Fact, Item, LevelReading
from smartbin.telemetry import open_reader, open_source, open_writer, setup
from smartbin.telemetry.sqlite import reader as sqlite_reader
from smartbin.telemetry.sqlite.reader import DOORS_AT_ONCE, READERS_MAX, SqliteReader
from tests.contract.checks import FOREVER, KITCHEN, put
from tests.contract.test_influx import HOSTILE, NOON_US, ask_everything
from tests.places.small import SHANGHAI


def test_the_newest_levels_of_any_number_of_doors(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    writer, reader = open_writer(url, SHANGHAI), open_reader(url, SHANGHAI)
    doors = [DoorKey(f"bin-{n:05d}", "kitchen") for n in range(2 * DOORS_AT_ONCE + 3)]
    writer.append([LevelReading(*door, n, n % 101) for n, door in enumerate(doors, 1)])
    newest = reader.latest_levels([*doors, doors[0], DoorKey("bin-x", "kitchen")], 2)
    assert [newest[door].at_us for door in doors[1:]] == list(range(2, len(doors) + 1))
    assert doors[0] not in newest
    assert len(newest) == len(doors) - 1
    reader.close()
    writer.close()


def test_no_name_becomes_sql(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    writer, reader = open_writer(url, SHANGHAI), open_reader(url, SHANGHAI)
    own: list[Fact] = [put(KITCHEN, NOON_US, item=Item.PAPER), LevelReading(*KITCHEN, NOON_US, 99)]
    writer.append(own)
    for name in [*HOSTILE, "' OR '1'='1", "%", "_"]:
        assert ask_everything(reader, name) == [], name
        fact = put(DoorKey(name, name), NOON_US)
        writer.append([fact])
        assert list(reader.deposits([DoorKey(name, name)], *FOREVER, 9)) == [fact]
    assert list(reader.deposits([KITCHEN], *FOREVER, 9)) == own[:1]
    reader.close()
    writer.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/telemetry.db"
    writer = open_writer(made, SHANGHAI)
    writer.append([LevelReading("bin-001", "kitchen", 1, 50)])
    writer.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        writer.append([LevelReading("bin-001", "kitchen", 2, 50)])
    return made


def test_a_file_of_another_site_or_program_answers_nothing(url: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    with pytest.raises(BadInput, match="keeps the days of Asia/Shanghai"):
        open_writer(url, berlin)
    with pytest.raises(StoreUnavailable, match="keeps the days of Asia/Shanghai"):
        open_source(url, berlin)
    reader = open_reader(url, berlin)
    with pytest.raises(StoreUnavailable, match="keeps the days of Asia/Shanghai"):
        reader.check()
    reader.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(BadInput, match="schema version 99, this program knows"):
        open_writer(url, SHANGHAI)
    with pytest.raises(StoreUnavailable, match="schema version 99, this program knows"):
        open_source(url, SHANGHAI)


def test_a_file_that_is_away_is_not_made_by_who_copies_it(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is nothing to copy"):
        open_source(f"sqlite:///{tmp_path}/none.db", SHANGHAI)
    assert not list(tmp_path.iterdir())
    for asked in (lambda: open_source("mysql://x", SHANGHAI), lambda: [*setup("mysql://x", None)]):
        with pytest.raises(BadInput, match="SMARTBIN_TELEMETRY_URL: no store is known for 'mysql'"):
            asked()


def test_a_question_too_many_waits_no_longer_than_for_a_lock(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_reader, "BUSY_WAIT_S", 0.01)
    reader = SqliteReader(tmp_path / "telemetry.db", SHANGHAI)
    taken = [reader._idle.get() for _ in range(READERS_MAX)]
    with pytest.raises(StoreUnavailable, match=f"{READERS_MAX} questions are being answered"):
        reader.check()
    reader._idle.put(taken[0])
    reader.check()
    for one in taken[1:]:
        reader._idle.put(one)
    reader.close()
