"""Published figures."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from smartbin.database.metadata import metadata

# Figures of past days as they were published, append-only: a day that late data or a verdict
# re-opened has a row more. ``figures`` and ``changed`` are counts by category, as JSON.
figure_revision = Table(
    "figure_revision",
    metadata,
    Column("community", String(32), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("as_of_us", BigInteger, nullable=False),
    Column("figures", Text, nullable=False),
    Column("changed", Text, nullable=False),
    Index("figure_revision_by_day", "day"),
)
