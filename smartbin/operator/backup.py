"""``smartbin backup FOLDER`` and ``restore FOLDER``: telemetry, records and quarantine.

A backup is taken while programs run. Records are taken first: telemetry then holds at least
what they hold. ``manifest.json`` is written last; a folder without it is not a backup.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import URL, inspect, make_url

from smartbin.core.errors import BadInput, StoreUnavailable
from smartbin.core.settings import StoreSettings
from smartbin.database import Database, wait_for
from smartbin.operator.copy import copy_all
from smartbin.telemetry import open_source, open_writer

MANIFEST = "manifest.json"
TELEMETRY, RECORDS, DUMP, QUARANTINE = "telemetry.db", "records.db", "records.dump", "quarantine"
VERSION = 1
WAIT_S = 60.0  # for the records' database, started a moment ago


Act = Callable[[StoreSettings, Path, ZoneInfo], Iterator[str]]


def backup(settings: StoreSettings, folder: Path, zone: ZoneInfo) -> Iterator[str]:
    """Take a backup into a new folder; yields a sentence for each part. Raises BadInput and
    StoreUnavailable.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder}: is not empty; name a new folder")
    (folder / QUARANTINE).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # who deposited is in it
    yield _records_out(settings, folder)
    yield _telemetry_out(settings, folder, zone)
    yield _quarantine_out(settings.quarantine, folder / QUARANTINE)
    files = {str(p.relative_to(folder)): _digest(p) for p in _files(folder)}
    manifest = {"version": VERSION, "zone": zone.key, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    yield f"{folder}: complete, {len(files)} files"


def restore(settings: StoreSettings, folder: Path, zone: ZoneInfo) -> Iterator[str]:
    """Put a backup into empty stores; yields a sentence for each part. Nothing is written before
    the backup has been found whole. Raises BadInput and StoreUnavailable.
    """
    _check(folder, zone)
    _must_be_of_one_engine(settings, folder)
    _must_be_empty("SMARTBIN_TELEMETRY_URL", _sqlite_file(settings.telemetry_url))
    _records_must_be_empty(settings)
    _must_hold_nothing_else(settings.quarantine, folder / QUARANTINE)
    # The long part first, the one that must be empty last: on servers the same command goes on
    # with what was interrupted.
    yield _telemetry_in(settings, folder, zone)
    yield _quarantine_in(folder / QUARANTINE, settings.quarantine)
    yield _records_in(settings, folder)
    _state(folder).unlink(missing_ok=True)


def _state(folder: Path) -> Path:
    """How far a restore came, until it is done."""
    return folder.parent / f"{folder.name}.restoring.json"


def _telemetry_out(settings: StoreSettings, folder: Path, zone: ZoneInfo) -> str:
    if path := _sqlite_file(settings.telemetry_url):
        _vacuum_into(path, folder / TELEMETRY, "SMARTBIN_TELEMETRY_URL")
        return f"telemetry: {path}"
    source = open_source(settings.telemetry_url, zone, _token(settings))
    target = open_writer(f"sqlite:///{folder / TELEMETRY}", zone)
    try:
        done = copy_all(source, target, folder / "copy.json")
    finally:
        target.close()
        source.close()
    (folder / "copy.json").unlink(missing_ok=True)
    _settle(folder / TELEMETRY)
    return f"telemetry: {done.facts} facts"


def _telemetry_in(settings: StoreSettings, folder: Path, zone: ZoneInfo) -> str:
    if path := _sqlite_file(settings.telemetry_url):
        _place(folder / TELEMETRY, path)
        return f"telemetry: {path}"
    source = open_source(f"sqlite:///{folder / TELEMETRY}", zone)
    target = open_writer(settings.telemetry_url, zone, _token(settings))
    known = open_source(settings.telemetry_url, zone, _token(settings))
    state = _state(folder)
    try:
        if known.extent(0) is not None and not state.exists():
            raise BadInput("SMARTBIN_TELEMETRY_URL: holds facts; restore into empty buckets")
        done = copy_all(source, target, state)
    finally:
        known.close()
        target.close()
        source.close()
    if done.refused:
        raise StoreUnavailable(f"telemetry: {done.refused} refused: {'; '.join(done.reasons)}")
    return f"telemetry: {done.facts} facts"


def _records_out(settings: StoreSettings, folder: Path) -> str:
    if path := _sqlite_file(settings.records_url):
        _vacuum_into(path, folder / RECORDS, "SMARTBIN_RECORDS_URL")
        return f"records: {path}"
    url = _postgres_url(settings)
    _run("pg_dump", url, "--format=custom", f"--file={folder / DUMP}")
    return f"records: database {url.database}"


def _records_in(settings: StoreSettings, folder: Path) -> str:
    if path := _sqlite_file(settings.records_url):
        _place(folder / RECORDS, path)
        return f"records: {path}"
    url = _postgres_url(settings)
    # One transaction: tables that are there already end it before anything is written.
    _run("pg_restore", url, "--single-transaction", "--exit-on-error", "--no-owner",
         str(folder / DUMP))  # fmt: skip
    return f"records: database {url.database}"


def _quarantine_out(source: Path, target: Path) -> str:
    """The files as they are between two of the gateway's writes."""
    files = []
    if source.exists():
        with (source / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files = [shutil.copy2(file, target) for file in sorted(source.glob("*.jsonl"))]
    return f"quarantine: {len(files)} files"


def _quarantine_in(source: Path, target: Path) -> str:
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(source.glob("*.jsonl"))
    for file in files:
        _place(file, target / file.name)
    return f"quarantine: {len(files)} files"


def _check(folder: Path, zone: ZoneInfo) -> None:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadInput(f"{folder}: no whole backup ({MANIFEST} is missing or torn)") from None
    if manifest["version"] != VERSION:
        raise BadInput(f"{folder}: form {manifest['version']}, this program knows {VERSION}")
    if manifest["zone"] != zone.key:
        raise BadInput(f"{folder}: days of {manifest['zone']}, the site's zone is {zone.key}")
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise BadInput(f"{folder}: {name} is not what was written; take another backup")


def _vacuum_into(source: Path, target: Path, setting: str) -> None:
    """A consistent copy of an SQLite file that others are writing."""
    if not source.exists():
        raise StoreUnavailable(f"{setting}: {source} does not exist: there is nothing to back up")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        ) as db:
            db.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{setting}: {source}: {error}") from error


def _settle(path: Path) -> None:
    """Bring a file's write-ahead log into the file, so that it stands alone."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=DELETE")


def _must_be_empty(setting: str, file: Path | None) -> None:
    if file is not None and file.exists():
        raise BadInput(f"{setting}: {file} is there already; restore into an empty place")


def _records_must_be_empty(settings: StoreSettings) -> None:
    if path := _sqlite_file(settings.records_url):
        return _must_be_empty("SMARTBIN_RECORDS_URL", path)
    database = Database.open(settings.records_url, settings.records_password.get_secret_value())
    try:
        wait_for(database.check, WAIT_S)
        with database.read() as db:
            if inspect(db).get_table_names():
                raise BadInput("SMARTBIN_RECORDS_URL: the database has tables; name an empty one")
    finally:
        database.close()


def _must_hold_nothing_else(quarantine: Path, kept: Path) -> None:
    """What an interrupted restore put there may be there."""
    for file in quarantine.glob("*.jsonl"):
        same = kept / file.name
        if not same.exists() or same.read_bytes() != file.read_bytes():
            raise BadInput(f"SMARTBIN_QUARANTINE: {quarantine} is not empty; name another")


def _must_be_of_one_engine(settings: StoreSettings, folder: Path) -> None:
    if _sqlite_file(settings.records_url):
        if not (folder / RECORDS).exists():
            raise BadInput("SMARTBIN_RECORDS_URL: the backup is one of PostgreSQL; name one")
    elif not (folder / DUMP).exists():
        raise BadInput("SMARTBIN_RECORDS_URL: the backup is one of SQLite; name a file")


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.restoring")
    shutil.copyfile(source, fresh)
    fresh.replace(target)


def _run(program: str, url: URL, *arguments: str) -> None:
    path = shutil.which(program) or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))[::-1]), None
    )
    if path is None:
        raise BadInput(f"{program} is not installed: apt-get install postgresql-client")
    # URL.set() takes None for "as it is", and the masked password would be taken for the real one.
    shown = url.set(drivername="postgresql")._replace(password=None).render_as_string()
    done = subprocess.run(  # noqa: S603 - the program is PostgreSQL's own, no shell
        [path, f"--dbname={shown}", "--no-password", *arguments],
        env={**os.environ, "PGPASSWORD": str(url.password or "")},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise StoreUnavailable(f"SMARTBIN_RECORDS_URL: {program}: {done.stderr.strip()}")


def _postgres_url(settings: StoreSettings) -> URL:
    return Database.open(settings.records_url, settings.records_password.get_secret_value()).url


def _sqlite_file(url: str) -> Path | None:
    parsed = make_url(url) if url.startswith("sqlite:") else None
    return Path(parsed.database) if parsed and parsed.database else None


def _token(settings: StoreSettings) -> str | None:
    return settings.telemetry_token.get_secret_value() or None


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
