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

VERSION = 1
"""PRAGMA user_version of a file that this code reads and writes."""
BUSY_WAIT_S = 5.0
"""How long a connection waits for another's lock before it says StoreUnavailable."""

_FACTS = (
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
)

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

SCHEMA = _META + _FACTS + _ROLL_UPS


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


def mismatch(db: sqlite3.Connection, path: Path, zone: ZoneInfo) -> str | None:
    """Why this file is not for this code and site, with the remedy; None when it is."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
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
