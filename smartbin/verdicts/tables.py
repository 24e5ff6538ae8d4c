"""People's verdicts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from smartbin.database.metadata import ID, metadata

# What people judged. Append-only, refused by the database otherwise: a later verdict is a row of
# its own. ``device_*`` is what the device had said of the deposit.
human_verdict = Table(
    "judgement",  # the table keeps the name that deployed databases know
    metadata,
    Column("id", ID, primary_key=True),
    Column("device", String(32), nullable=False),
    Column("door", String(32), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("device_verdict", String(16)),
    Column("device_judge", String(16)),
    Column("verdict", String(16), nullable=False),
    Column("judge", String(16), nullable=False),
    Column("who", String(64), nullable=False),
    Column("why", String(200), nullable=False),
    Column("judged_at_us", BigInteger, nullable=False),
    Index("judgement_by_deposit", "device", "door", "at_us"),
    Index("judgement_by_day", "day", "device"),
    sqlite_autoincrement=True,
)
