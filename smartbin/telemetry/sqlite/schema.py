"""The tables of the SQLite telemetry store, facts and roll-ups, and what its two halves share.

Every table of facts is keyed by the fact's identity, so keeping a fact twice is keeping it once.
Roll-ups are kept in the same transaction from *newly inserted* rows alone, so they are exact
however often and in whatever order facts come. ``day`` is the ordinal of the site's calendar day,
``hour`` the hour of that day: computed once, by ``smartbin.core.calendar``, when the fact comes in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from smartbin.core.errors import StoreRefused, StoreUnavailable
from smartbin.telemetry.sqlite.tables import TABLES

VERSION = max(table.version for table in TABLES.values())
"""PRAGMA user_version of a file that this code reads and writes. The writer brings older files up
to it."""
BUSY_WAIT_S = 5.0
"""How long a connection waits for another's lock before it says StoreUnavailable."""

_ROLL_UPS = (
    """CREATE TABLE deposit_day (
        device TEXT NOT NULL, door TEXT NOT NULL, day INTEGER NOT NULL,
        deposits INTEGER NOT NULL, weight_g INTEGER NOT NULL,
        judged INTEGER NOT NULL, correct INTEGER NOT NULL,
        PRIMARY KEY (device, door, day)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE deposit_item_day (
        device TEXT NOT NULL, door TEXT NOT NULL, day INTEGER NOT NULL, item TEXT NOT NULL,
        deposits INTEGER NOT NULL, weight_g INTEGER NOT NULL,
        PRIMARY KEY (device, door, day, item)) STRICT, WITHOUT ROWID""",
    # hours is a bit mask: hours are up to 25 a day and a bit is set as often as one likes.
    """CREATE TABLE presence (
        device TEXT NOT NULL, day INTEGER NOT NULL, hours INTEGER NOT NULL,
        messages INTEGER NOT NULL, seq_min INTEGER NOT NULL, seq_max INTEGER NOT NULL,
        PRIMARY KEY (device, day)) STRICT, WITHOUT ROWID""",
    # The lowest known level of each UTC hour, so that a long run of full readings is skipped.
    """CREATE TABLE level_low (
        device TEXT NOT NULL, door TEXT NOT NULL, utc_hour INTEGER NOT NULL,
        level_pct INTEGER NOT NULL,
        PRIMARY KEY (device, door, utc_hour)) STRICT, WITHOUT ROWID""",
)

_META = ("CREATE TABLE meta (zone TEXT NOT NULL) STRICT",)

SCHEMA = (*_META, *(table.create() for table in TABLES.values()), *_ROLL_UPS)


@contextmanager
def typed_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into the port's two, by what the caller should do."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError) as error:
        raise StoreRefused(f"{type(error).__name__}: {error}") from error
    except (sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
        raise StoreRefused(f"a value of a type SQLite does not know: {error}") from error
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"telemetry file {path}: {error}") from error


def version_of(db: sqlite3.Connection) -> int:
    """The version of the schema that a file has; 0 of a new one."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def mismatch(
    db: sqlite3.Connection, path: Path, zone: ZoneInfo, oldest: int = VERSION
) -> str | None:
    """Why this file is not for this code and site, with the remedy; None when it is. Versions from
    ``oldest`` on are taken.
    """
    version = version_of(db)
    if 0 < version < oldest:
        return (
            f"SMARTBIN_TELEMETRY_URL: {path} has schema version {version}, this program reads "
            f"{VERSION}; start the gateway, which brings the file up to date"
        )
    if not oldest <= version <= VERSION:
        return (
            f"SMARTBIN_TELEMETRY_URL: {path} has schema version {version}, this program knows "
            f"{VERSION}; use the program's matching version or another file"
        )
    (kept,) = db.execute("SELECT zone FROM meta").fetchone()
    if kept != zone.key:
        return (
            f"SMARTBIN_TELEMETRY_URL: {path} keeps the days of {kept}, the site's zone is "
            f"{zone.key}; correct the site's zone, or copy the facts into a new file "
            "(smartbin copy)"
        )
    return None
