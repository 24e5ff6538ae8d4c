"""SQLite's file: asked in several statements, by names that are never SQL; and when it is away."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput, StoreUnavailable
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Deposit,
    DoorKey,
    Fact,
    Item,
    Judge,
    LevelReading,
    Span,
    Verdict,
)
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


VERSION_1 = (
    "CREATE TABLE meta (zone TEXT NOT NULL) STRICT",
    """CREATE TABLE level (
        device TEXT NOT NULL, door TEXT NOT NULL, at_us INTEGER NOT NULL,
        level_pct INTEGER, fault TEXT, seq INTEGER, day INTEGER NOT NULL, hour INTEGER NOT NULL,
        PRIMARY KEY (device, door, at_us)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE deposit (
        device TEXT NOT NULL, door TEXT NOT NULL, at_us INTEGER NOT NULL,
        weight_g INTEGER NOT NULL, verdict TEXT, judge TEXT, item TEXT,
        seq INTEGER, day INTEGER NOT NULL, hour INTEGER NOT NULL,
        PRIMARY KEY (device, door, at_us)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE collection (
        device TEXT NOT NULL, door TEXT NOT NULL, at_us INTEGER NOT NULL,
        gross_g INTEGER NOT NULL, tare_g INTEGER NOT NULL, crew TEXT,
        seq INTEGER, day INTEGER NOT NULL, hour INTEGER NOT NULL,
        PRIMARY KEY (device, door, at_us)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE status (
        device TEXT NOT NULL, at_us INTEGER NOT NULL, state TEXT NOT NULL,
        battery_pct INTEGER, voltage_mv INTEGER, rssi_dbm INTEGER, temperature_c INTEGER,
        firmware TEXT, seq INTEGER, day INTEGER NOT NULL, hour INTEGER NOT NULL,
        PRIMARY KEY (device, at_us)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE alarm (
        device TEXT NOT NULL, door TEXT NOT NULL, type TEXT NOT NULL, at_us INTEGER NOT NULL,
        active INTEGER NOT NULL, seq INTEGER, day INTEGER NOT NULL, hour INTEGER NOT NULL,
        PRIMARY KEY (device, door, type, at_us)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE deposit_day (
        device TEXT NOT NULL, door TEXT NOT NULL, day INTEGER NOT NULL,
        deposits INTEGER NOT NULL, weight_g INTEGER NOT NULL,
        judged INTEGER NOT NULL, correct INTEGER NOT NULL,
        PRIMARY KEY (device, door, day)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE deposit_item_day (
        device TEXT NOT NULL, door TEXT NOT NULL, day INTEGER NOT NULL, item TEXT NOT NULL,
        deposits INTEGER NOT NULL, weight_g INTEGER NOT NULL,
        PRIMARY KEY (device, door, day, item)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE presence (
        device TEXT NOT NULL, day INTEGER NOT NULL, hours INTEGER NOT NULL,
        messages INTEGER NOT NULL, seq_min INTEGER NOT NULL, seq_max INTEGER NOT NULL,
        PRIMARY KEY (device, day)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE level_low (
        device TEXT NOT NULL, door TEXT NOT NULL, utc_hour INTEGER NOT NULL,
        level_pct INTEGER NOT NULL,
        PRIMARY KEY (device, door, utc_hour)) STRICT, WITHOUT ROWID""",
    "INSERT INTO meta VALUES ('Asia/Shanghai')",
    "INSERT INTO deposit VALUES "
    "('bin-001', 'kitchen', 1, 900, 'correct', 'camera', 'paper', 7, 719163, 8)",
    "INSERT INTO deposit_day VALUES ('bin-001', 'kitchen', 719163, 1, 900, 1, 1)",
    "INSERT INTO alarm VALUES ('bin-001', '', 'fire', 1, 1, 8, 719163, 8)",
    "PRAGMA user_version=1",
)
"""A file as the first version made it; a deployed site has one."""


def test_a_file_of_an_older_version_is_copied_as_it_is_and_the_gateway_brings_it_up_to_date(
    tmp_path: Path,
) -> None:
    path = tmp_path / "telemetry.db"
    with closing(sqlite3.connect(path)) as db:
        for statement in VERSION_1:
            db.execute(statement)
        db.commit()
    url = f"sqlite:///{path}"
    old = Deposit(*("bin-001", "kitchen", 1, 900), Verdict.CORRECT, Judge.CAMERA, Item.PAPER, seq=7)
    alarm = Alarm("bin-001", "", 1, AlarmType.FIRE, True, 8)
    reader = open_reader(url, SHANGHAI)
    with pytest.raises(StoreUnavailable, match=r"schema version 1.*start the gateway"):
        reader.check()
    source = open_source(url, SHANGHAI)
    assert list(source.facts(0, 9)) == [old, alarm]
    source.close()
    with pytest.raises(BadInput, match="keeps the days of Asia/Shanghai"):
        open_writer(url, ZoneInfo("Europe/Berlin"))
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    for _ in range(2):
        writer = open_writer(url, SHANGHAI)
        new = Deposit("bin-001", "kitchen", 2, 100, seq=8, volume_ml=5_200)
        writer.append([old, new])
        writer.close()
    door = DoorKey("bin-001", "kitchen")
    assert reader.deposits([door], 0, 9, 9) == [new, old]
    day = date.fromordinal(719163)
    (total,) = reader.deposit_totals([Span(door, Days(day, day))], by_day=False)
    assert (total.deposits, total.weight_g) == (2, 1_000)
    reader.close()
    source = open_source(url, SHANGHAI)
    assert list(source.facts(0, 9)) == [old, new, alarm]
    source.close()
