"""Steps and tables agree, on both databases; a running program never migrates PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from smartbin.capabilities import metadata
from smartbin.core.errors import StoreUnavailable
from smartbin.database import Database, migrations
from tests.postgres import Postgres
from tests.real import ROOT, patient_s


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    running: Postgres = request.getfixturevalue("postgres_server")
    with running.database(empty=True) as url:
        yield url


def test_the_steps_end_in_the_tables_of_the_code(database: Database) -> None:
    with database.read() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []


def test_one_line_of_steps_ends_at_head() -> None:
    steps = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert steps.get_heads() == [migrations.HEAD]


@pytest.mark.process
def test_the_command_migrates_and_may_be_repeated(empty_url: str) -> None:
    for said in (f"empty -> {migrations.HEAD}", f"at {migrations.HEAD}"):
        done = subprocess.run(
            [sys.executable, "-m", "api", "migrate"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "SMARTBIN_RECORDS_URL": empty_url},
            capture_output=True,
            text=True,
            timeout=patient_s(60),
        )
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


def _token_command(url: str, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "api", *options, "token", "create", "--name", "truck-3"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SMARTBIN_RECORDS_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.real
def test_a_command_typed_before_the_records_are_ready_waits(postgres_server: Postgres) -> None:
    with postgres_server.database(empty=True) as url:
        with _token_command(url, "--wait-s", "0") as hasty:
            out, said = hasty.communicate(timeout=patient_s(60))
        assert (hasty.returncode, out) == (2, "")
        assert said.startswith("records (SMARTBIN_RECORDS_URL): the database is at step none")
        with _token_command(url) as patient:
            assert patient.stderr is not None
            assert "trying again" in patient.stderr.readline()
            database = Database.open(url)
            database.migrate()
            database.close()
            out, said = patient.communicate(timeout=patient_s(60))
        assert (patient.returncode, len(out.split())) == (0, 1), said


def test_a_running_program_makes_sqlite_ready_but_never_changes_postgresql(empty_url: str) -> None:
    database = Database.open(empty_url)
    if database.dialect == "sqlite":
        database.prepare()
        assert inspect(database.engine).has_table("token")
    else:
        with pytest.raises(StoreUnavailable, match="run 'smartbin migrate'"):
            database.prepare()
        assert inspect(database.engine).get_table_names() == []
        database.migrate()
    database.prepare()
    with database.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match="run the newer program"):
        database.prepare()
    database.close()


def test_programs_that_start_together_migrate_once(empty_url: str) -> None:
    database = Database.open(empty_url)
    with database.read():  # the file exists in WAL mode before they race for it
        pass
    outcomes: list[object] = []

    def start() -> None:
        try:
            outcomes.append(database.migrate())
        except Exception as error:  # shown by the assertion
            outcomes.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient_s(30))
    assert sorted(outcomes, key=str) == [(migrations.HEAD,) * 2] * 3 + [(None, migrations.HEAD)]
    database.close()


def test_tables_from_before_the_steps_keep_their_rows(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/old.db")
    with database.write() as db:
        for statement in (
            "CREATE TABLE unsettled (card VARCHAR(64), day INTEGER, PRIMARY KEY (card, day))",
            "CREATE TABLE token (name VARCHAR(64) PRIMARY KEY, role VARCHAR(16) NOT NULL,"
            " hash VARCHAR(64) NOT NULL UNIQUE)",
            "CREATE TABLE deposit_line (device VARCHAR(32), door VARCHAR(32), at_us BIGINT,"
            " card VARCHAR(64), day INTEGER, weight_g BIGINT, verdict VARCHAR(16),"
            " judge VARCHAR(16), item VARCHAR(32), PRIMARY KEY (device, door, at_us))",
            "CREATE INDEX deposit_line_by_day ON deposit_line (card, day)",
            "INSERT INTO unsettled VALUES ('K3f', 7)",
            "INSERT INTO token VALUES ('truck', 'crew', 'h')",
            "INSERT INTO deposit_line VALUES ('b', 'kitchen', 1, 'K3f', 7, 5, NULL, NULL, NULL)",
        ):
            db.execute(text(statement))
    database.prepare()
    with database.read() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
        assert db.execute(text("SELECT id, card, day FROM unsettled")).all() == [(1, "K3f", 7)]
        assert db.execute(text("SELECT name FROM token")).all() == [("truck",)]
        assert db.execute(text("SELECT card, weight_g FROM deposit_line")).all() == [("K3f", 5)]
    database.close()
