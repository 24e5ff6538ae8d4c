"""When a deposit's line arrived, what persons decided of late ones, and when points were booked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smartbin.database.migrations.append_only import append_only

revision = "0013"
down_revision = "0012"
_LATE = sa.text("arrived_us - at_us > 604800000000")


def upgrade() -> None:
    """Add the column, which earlier lines do not have, and the tables."""
    op.add_column("deposit_line", sa.Column("arrived_us", sa.BigInteger))
    op.create_index(
        "deposit_line_late",
        "deposit_line",
        ["card", "day"],
        sqlite_where=_LATE,
        postgresql_where=_LATE,
    )
    op.create_table(
        "claim_decision",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.Identity(),
            primary_key=True,
        ),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("door", sa.String(32)),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("arrived_us", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("decided_us", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    append_only("claim_decision")
    op.create_index("claim_decision_by_device", "claim_decision", ["device"])
    op.create_table(
        "points_fresh",
        sa.Column("booked_day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("points", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
