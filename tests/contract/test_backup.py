"""A backup restored into empty stores gives every answer as before, from and into either engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select

from gateway.__main__ import main
from smartbin.events import Deposit, DoorKey
from smartbin.quarantine import Quarantine
from smartbin.records import open_engine, prepare
from smartbin.records.deposits import DepositLines
from smartbin.telemetry import open_writer
from smartbin.wire import Rejected
from tests import postgres
from tests.contract.test_copy import all_answers, history
from tests.influx import Influx
from tests.places import SHANGHAI
from tests.real import ROOT

NOON_US = 1_774_756_800_000_000


class Stores:
    """Telemetry, records and quarantine by their settings."""

    def __init__(self, folder: Path, telemetry: str, token: str, records: str) -> None:
        self.folder = folder
        self.telemetry, self.token, self.records = telemetry, token, records

    def run(self, monkeypatch: pytest.MonkeyPatch, *command: str) -> int:
        monkeypatch.setenv("SMARTBIN_SITE", str(ROOT / "deploy/xinbei"))
        monkeypatch.setenv("SMARTBIN_TELEMETRY_URL", self.telemetry)
        monkeypatch.setenv("SMARTBIN_TELEMETRY_TOKEN", self.token)
        monkeypatch.setenv("SMARTBIN_RECORDS_URL", self.records)
        monkeypatch.setenv("SMARTBIN_QUARANTINE", str(self.folder / "quarantine"))
        return main(list(command))

    def fill(self) -> None:
        writer = open_writer(self.telemetry, SHANGHAI, self.token)
        writer.append(history(600))
        writer.close()
        engine = open_engine(self.records)
        prepare(engine)
        door = DoorKey("bin-001", "kitchen")
        lines = [
            Deposit(*door, NOON_US + n, 100 + n, account=f"K{n % 7}", seq=n) for n in range(200)
        ]
        DepositLines(engine, SHANGHAI).append(lines)
        engine.dispose()
        topic = "smartbin/v1/xinbei/bin-001/deposit"
        bad = [
            Rejected(topic, b"\xff%d" % n, NOON_US, "bad_utf8", "", "no UTF-8") for n in range(9)
        ]
        Quarantine(self.folder / "quarantine").add(bad)

    def everything(self) -> object:
        engine = open_engine(self.records)
        tables = MetaData()
        tables.reflect(engine)
        with engine.connect() as db:
            rows = {
                name: sorted(map(repr, db.execute(select(table))))
                for name, table in tables.tables.items()
            }
        engine.dispose()
        assert rows["deposit_line"]
        kept = sorted((kept.id, kept.rejected) for kept in Quarantine(self.folder / "quarantine"))
        return all_answers(self.telemetry, self.token or None), rows, kept


@pytest.fixture(params=["embedded", pytest.param("servers", marks=pytest.mark.real)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Stores, Stores]]:
    """Stores to fill, and empty ones."""
    folders = tmp_path / "before", tmp_path / "after"
    for folder in folders:
        folder.mkdir()
    if request.param == "embedded":
        before, after = (
            Stores(f, f"sqlite:///{f}/telemetry.db", "", f"sqlite:///{f}/records.db")
            for f in folders
        )
        yield before, after
        return
    influx: Influx = request.getfixturevalue("influx_server")
    with (
        postgres.server() as server,
        server.database() as full,
        server.database(empty=True) as empty,
        influx.buckets() as one,
        influx.buckets() as two,
    ):
        yield (
            Stores(folders[0], one, influx.token, full),
            Stores(folders[1], two, influx.token, empty),
        )


def test_restored_into_empty_stores_every_answer_is_the_same(
    both: tuple[Stores, Stores], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = both
    before.fill()
    kept = str(tmp_path / "backup")
    assert before.run(monkeypatch, "backup", kept) == 0
    assert after.run(monkeypatch, "restore", kept) == 0
    assert after.everything() == before.everything()
    assert after.run(monkeypatch, "restore", kept) != 0, "what is there is never overwritten"
    assert before.run(monkeypatch, "backup", kept) != 0, "a backup is never overwritten"
    assert after.everything() == before.everything()


def test_a_backup_that_is_not_whole_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = (
        Stores(f, f"sqlite:///{f}/telemetry.db", "", f"sqlite:///{f}/records.db")
        for f in (tmp_path / "before", tmp_path / "after")
    )
    before.folder.mkdir()
    before.fill()
    kept = tmp_path / "backup"
    assert before.run(monkeypatch, "backup", str(kept)) == 0
    with closing(sqlite3.connect(kept / "records.db")) as db, db:
        db.execute("DELETE FROM unsettled")
    assert after.run(monkeypatch, "restore", str(kept)) == 2
    assert "records.db is not what was written" in capsys.readouterr().err
    assert not after.folder.exists()
    (kept / "manifest.json").unlink()
    assert after.run(monkeypatch, "restore", str(kept)) == 2
    assert "no whole backup" in capsys.readouterr().err
