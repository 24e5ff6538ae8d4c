"""The rules that points follow, as they were when last settled by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smartbin.database.migrations.append_only import append_only

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "points_rules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    append_only("points_rules")
