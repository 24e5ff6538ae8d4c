"""A backup restored into empty stores gives every answer as before, from and into either engine."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select

from gateway.__main__ import main
from smartbin.core.errors import StoreUnavailable
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit, DoorKey
from smartbin.facts.wire import Rejected
from smartbin.operator import backup
from smartbin.quarantine.store import Quarantine
from smartbin.telemetry import open_source, open_writer
from tests import postgres
from tests.contract.test_copy import all_answers, history
from tests.influx import Influx
from tests.places.small import SHANGHAI
from tests.real import ROOT, free_port, program

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
        database = Database.open(self.records)
        database.prepare()
        door = DoorKey("bin-001", "kitchen")
        lines = [
            Deposit(*(*door, NOON_US + n, 100 + n), account=f"K{n % 7}", seq=n, volume_ml=n or None)
            for n in range(200)
        ]
        DepositLines(database, SHANGHAI).append(lines)
        database.close()
        topic = "smartbin/v1/xinbei/bin-001/deposit"
        bad = [
            Rejected(topic, b"\xff%d" % n, NOON_US, "bad_utf8", "", "no UTF-8") for n in range(9)
        ]
        Quarantine(self.folder / "quarantine").add(bad)

    def everything(self) -> object:
        database = Database.open(self.records)
        tables = MetaData()
        tables.reflect(database.engine)
        with database.read() as db:
            rows = {
                name: sorted(map(repr, db.execute(select(table))))
                for name, table in tables.tables.items()
            }
        database.close()
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


def away(*_: object) -> str:
    raise StoreUnavailable("away")


@pytest.mark.real
def test_into_servers_an_interrupted_restore_goes_on_and_a_full_database_is_refused_at_once(
    influx_server: Influx,
    embedded: tuple[Stores, Stores],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, other = embedded
    token, kept = influx_server.token, str(tmp_path / "backup")
    with (
        postgres.server() as server,
        server.database() as full,
        server.database(empty=True) as empty,
        influx_server.buckets() as one,
        influx_server.buckets() as two,
    ):
        before = Stores(source.folder, source.telemetry, "", full)
        before.fill()
        assert before.run(monkeypatch, "backup", kept) == 0
        refused = Stores(other.folder, two, token, full)
        assert refused.run(monkeypatch, "restore", kept) == 2
        assert "SMARTBIN_RECORDS_URL: the database has tables" in capsys.readouterr().err
        with closing(open_source(two, SHANGHAI, token)) as untouched:
            assert untouched.extent(0) is None
        after = Stores(other.folder, one, token, empty)
        with monkeypatch.context() as failing:
            failing.setattr(backup, "_records_in", away)
            assert after.run(monkeypatch, "restore", kept) == 1
        assert after.run(monkeypatch, "restore", kept) == 0
        assert after.everything() == before.everything()


@pytest.fixture
def embedded(tmp_path: Path) -> tuple[Stores, Stores]:
    before, after = (
        Stores(f, f"sqlite:///{f}/telemetry.db", "", f"sqlite:///{f}/records.db")
        for f in (tmp_path / "before", tmp_path / "after")
    )
    before.folder.mkdir()
    before.fill()
    return before, after


@pytest.fixture
def kept(embedded: tuple[Stores, Stores], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup of the stores before."""
    folder = tmp_path / "backup"
    assert embedded[0].run(monkeypatch, "backup", str(folder)) == 0
    return folder


def change_manifest(kept: Path, **values: object) -> None:
    file = kept / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_what_cannot_be_restored_is_refused_before_anything_is_written(
    embedded: tuple[Stores, Stores],
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, after = embedded

    def refused(stores: Stores) -> str:
        assert stores.run(monkeypatch, "restore", str(kept)) == 2
        return capsys.readouterr().err

    other = Stores(after.folder, after.telemetry, "", "postgresql+psycopg://u@127.0.0.1:1/db")
    assert "SMARTBIN_RECORDS_URL: the backup is one of SQLite" in refused(other)
    # A whole backup of the other engine, as far as its manifest tells.
    (kept / "records.db").rename(kept / "records.dump")
    files = json.loads((kept / "manifest.json").read_text())["files"]
    change_manifest(kept, files={n.replace("records.db", "records.dump"): files[n] for n in files})
    assert "SMARTBIN_RECORDS_URL: the backup is one of PostgreSQL" in refused(after)
    (kept / "records.dump").rename(kept / "records.db")
    change_manifest(kept, files=files)
    change_manifest(kept, zone="Europe/Berlin")
    assert "days of Europe/Berlin, the site's zone is Asia/Shanghai" in refused(after)
    change_manifest(kept, zone="Asia/Shanghai", version=2)
    assert "form 2, this program knows 1" in refused(after)
    change_manifest(kept, version=1)
    with closing(sqlite3.connect(kept / "records.db")) as db, db:
        db.execute("DELETE FROM unsettled")
    assert "records.db is not what was written" in refused(after)
    (kept / "manifest.json").unlink()
    assert "no whole backup" in refused(after)
    assert not after.folder.exists()


def test_what_another_gateway_refused_is_not_mixed_with_a_backup(
    embedded: tuple[Stores, Stores],
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, after = embedded
    shelf = Quarantine(after.folder / "quarantine")
    shelf.add([Rejected("smartbin/v1/xinbei/bin-001/fill", b"x", NOON_US, "bad_json", "", "")])
    assert after.run(monkeypatch, "restore", str(kept)) == 2
    assert "SMARTBIN_QUARANTINE" in capsys.readouterr().err
    assert len(list(shelf)) == 1
    assert {p.name for p in after.folder.iterdir()} == {"quarantine"}


@pytest.mark.parametrize("name", ["telemetry.db", "records.db"])
def test_a_store_that_cannot_be_read_gives_no_backup(
    name: str,
    embedded: tuple[Stores, Stores],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, after = embedded
    setting = f"SMARTBIN_{name.removesuffix('.db').upper()}_URL"
    (before.folder / name).write_bytes(b"no database" * 1000)
    assert before.run(monkeypatch, "backup", str(tmp_path / "torn")) == 1
    assert f"{setting}: {before.folder / name}: file is not a database" in capsys.readouterr().err
    (before.folder / name).unlink()
    assert before.run(monkeypatch, "backup", str(tmp_path / "away")) == 1
    assert f"{setting}: {before.folder / name} does not exist" in capsys.readouterr().err
    assert not (before.folder / name).exists(), "an empty store is not made for a backup"
    for kept in ("torn", "away"):
        assert after.run(monkeypatch, "restore", str(tmp_path / kept)) == 2
        assert "no whole backup" in capsys.readouterr().err


def test_a_site_that_refused_nothing_is_backed_up_too(
    embedded: tuple[Stores, Stores], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = embedded
    shutil.rmtree(before.folder / "quarantine")
    assert before.run(monkeypatch, "backup", str(tmp_path / "backup")) == 0
    assert after.run(monkeypatch, "restore", str(tmp_path / "backup")) == 0
    assert after.everything() == before.everything()


@pytest.mark.real
def test_a_database_that_is_away_gives_no_backup_and_its_password_to_nobody(
    embedded: tuple[Stores, Stores],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, _ = embedded
    program("pg_dump", "apt-get install postgresql-client")
    monkeypatch.setenv("SMARTBIN_RECORDS_PASSWORD", "a-secret")
    away = f"postgresql+psycopg://smartbin@127.0.0.1:{free_port()}/smartbin"
    stores = Stores(before.folder, before.telemetry, "", away)
    assert stores.run(monkeypatch, "backup", str(tmp_path / "backup")) == 1
    said = capsys.readouterr().err
    assert said.startswith("SMARTBIN_RECORDS_URL: pg_dump:")
    assert "a-secret" not in said
    assert not (tmp_path / "backup/manifest.json").exists()


@pytest.mark.real
def test_full_buckets_take_no_backup(
    embedded: tuple[Stores, Stores],
    influx_server: Influx,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, after = embedded
    assert before.run(monkeypatch, "backup", str(tmp_path / "backup")) == 0
    with influx_server.buckets() as url:
        full = Stores(after.folder, url, influx_server.token, after.records)
        writer = open_writer(url, SHANGHAI, influx_server.token)
        writer.append(history(10))
        writer.close()
        held = all_answers(url, influx_server.token)
        assert full.run(monkeypatch, "restore", str(tmp_path / "backup")) == 2
        assert "SMARTBIN_TELEMETRY_URL: holds facts" in capsys.readouterr().err
        assert all_answers(url, influx_server.token) == held
    assert not after.folder.exists()
