"""People's verdicts on deposits; and a mark says why it was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smartbin.database.migrations.append_only import append_only

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table; add the reason to the marks."""
    op.add_column("unsettled", sa.Column("why", sa.String(16)))
    op.create_table(
        "judgement",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("door", sa.String(32), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("device_verdict", sa.String(16)),
        sa.Column("device_judge", sa.String(16)),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("judge", sa.String(16), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.Column("judged_at_us", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("judgement_by_deposit", "judgement", ["device", "door", "at_us"])
    op.create_index("judgement_by_day", "judgement", ["day", "device"])
    append_only("judgement")
