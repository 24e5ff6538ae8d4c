"""The volume of a deposit, as the box measured it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; earlier lines have none."""
    op.add_column("deposit_line", sa.Column("volume_ml", sa.BigInteger))
