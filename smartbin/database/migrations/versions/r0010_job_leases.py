"""Which program runs a job."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "job_lease",
        sa.Column("job", sa.String(32), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
        sa.Column("succeeded_us", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
