"""Idempotent requests, and the outbox."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, Text

from smartbin.database.metadata import ID, metadata

# Requests that callers named, and what they were answered: repeating one is harmless.
request = Table(
    "request",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("content", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What happened, in the order of its commits: see ``outbox.py``. Ids are never given twice.
outbox = Table(
    "outbox",
    metadata,
    Column("id", ID, primary_key=True),
    # Before the payload: SQLite reads them without walking through a long one.
    Column("at_us", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("payload", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Facts that the outbox holds and that no other table of the records names: a fact that a broker
# delivers again is told once. Time first: what comes in falls on few pages.
outbox_fact = Table(
    "outbox_fact",
    metadata,
    Column("at_us", BigInteger, primary_key=True, autoincrement=False),
    Column("device", String(32), primary_key=True),
    Column("door", String(32), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("kept_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
