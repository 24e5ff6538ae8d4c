"""Accounts, their cards, the ledger and its months, rewards and what they are redeemed for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smartbin.database.migrations.append_only import append_only

revision = "0004"
down_revision = "0003"

_OTHER = sa.text("kind NOT IN ('earned', 'correction')")
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables; the ledger only grows."""
    _accounts()
    _points()
    _rewards()
    append_only("ledger")


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("code", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("balance", sa.BigInteger, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "holding",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("card", sa.String(64), nullable=False),
        sa.Column("first_day", sa.Integer, nullable=False),
        sa.Column("last_day", sa.Integer, nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("community", sa.String(32), nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("void_us", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("holding_by_card", "holding", ["card"])
    op.create_index("holding_by_account", "holding", ["account"])


def _points() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("community", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("month", sa.Integer, nullable=False),
        sa.Column("booked_us", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("reference", sa.String(80)),
        sa.Column("who", sa.String(64)),
        sqlite_autoincrement=True,
    )
    op.create_index("ledger_by_day", "ledger", ["day", "account"])
    op.create_index(
        "ledger_by_community", "ledger", ["community", "day", "account", "kind", "points"]
    )
    op.create_index("ledger_by_month", "ledger", ["month"])
    op.create_index(
        "ledger_by_account",
        "ledger",
        ["account", "day"],
        sqlite_where=_OTHER,
        postgresql_where=_OTHER,
    )
    op.create_table(
        "points_month",
        sa.Column("community", sa.String(32), primary_key=True),
        sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("earned", sa.BigInteger, nullable=False),
        sa.Column("adjusted", sa.BigInteger, nullable=False),
        sa.Column("spent", sa.BigInteger, nullable=False),
        sa.Column("expired", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("points_month_by_account", "points_month", ["account"])
    op.create_table(
        "closed_month",
        sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("closed_us", sa.BigInteger, nullable=False),
    )


def _rewards() -> None:
    op.create_table(
        "reward",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name_zh", sa.String(100), nullable=False),
        sa.Column("name_en", sa.String(100), nullable=False),
        sa.Column("price", sa.Integer, nullable=False),
        sa.Column("stock", sa.Integer, nullable=False),
        sa.Column("offered", sa.Boolean, nullable=False),
    )
    op.create_table(
        "redemption",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("community", sa.String(32), nullable=False),
        sa.Column("reward", sa.String(32), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("redemption_by_account", "redemption", ["account"])
    op.create_index("redemption_by_state", "redemption", ["state"])
    op.create_table(
        "request",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
