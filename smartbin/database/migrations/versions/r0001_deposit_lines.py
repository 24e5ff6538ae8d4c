"""Deposit lines, marks of what is unsettled, tokens. Takes over what stands from before there
were numbered steps.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_COLUMNS = {
    "deposit_line": "device, door, at_us, card, day, weight_g, verdict, judge, item",
    "unsettled": "card, day",
    "token": "name, role, hash",
}


def upgrade() -> None:
    """Make the tables, and move older ones' rows into them."""
    found = sa.inspect(op.get_bind()).get_table_names()
    older = [table for table in _COLUMNS if table in found]
    for table in older:
        _set_aside(table)
    _deposit_line()
    op.create_table(
        "unsettled",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("card", sa.String(64), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "token",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )
    for table in older:
        names = _COLUMNS[table]
        op.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM old_{table}")  # noqa: S608 - constants
        op.drop_table(f"old_{table}")


def _set_aside(table: str) -> None:
    for index in sa.inspect(op.get_bind()).get_indexes(table):
        if not index.get("duplicates_constraint"):
            op.drop_index(str(index["name"]), table)
    op.rename_table(table, f"old_{table}")


def _deposit_line() -> None:
    op.create_table(
        "deposit_line",
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("door", sa.String(32), primary_key=True),
        sa.Column("at_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("card", sa.String(64), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("weight_g", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("judge", sa.String(16)),
        sa.Column("item", sa.String(32)),
        sqlite_with_rowid=False,
    )
    op.create_index("deposit_line_by_day", "deposit_line", ["day", "card"])
