"""Who took a round over, and whose a photo is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "round_takeover",
        sa.Column("round", sa.String(36), sa.ForeignKey("round.id"), primary_key=True),
        sa.Column("crew", sa.String(64), primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    with op.batch_alter_table("emptying_photo") as table:
        table.add_column(sa.Column("crew", sa.String(64), nullable=False, server_default=""))
    op.execute(
        "UPDATE emptying_photo SET crew = coalesce("
        "(SELECT crew FROM emptying WHERE emptying.id = emptying_photo.emptying), '')"
    )
    with op.batch_alter_table("emptying_photo") as table:
        table.alter_column("crew", server_default=None)
    op.create_index("emptying_photo_of", "emptying_photo", ["crew", "received_us"])
