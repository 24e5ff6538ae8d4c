"""Idempotent requests."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, Text

from smartbin.database.metadata import metadata

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
