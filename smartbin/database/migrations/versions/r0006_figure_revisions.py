"""Published figures of past days, and what changed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smartbin.database.migrations.append_only import append_only

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "figure_revision",
        sa.Column("community", sa.String(32), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("as_of_us", sa.BigInteger, nullable=False),
        sa.Column("figures", sa.Text, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
    )
    op.create_index("figure_revision_by_day", "figure_revision", ["day"])
    append_only("figure_revision")
