"""Rounds: what crews emptied, met and left out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "round",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("crew", sa.String(64), nullable=False),
        sa.Column("category", sa.String(16), nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("ended_us", sa.BigInteger),
        sa.Column("received_us", sa.BigInteger, nullable=False),
    )
    op.create_index("round_by_time", "round", ["started_us"])
    op.create_index("round_by_crew", "round", ["crew", "received_us"])
    op.create_table(
        "emptying",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("round", sa.String(36), sa.ForeignKey("round.id"), nullable=False),
        sa.Column("crew", sa.String(64), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("door", sa.String(32), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("weight_g", sa.BigInteger),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("received_us", sa.BigInteger, nullable=False),
    )
    op.create_index("emptying_by_round", "emptying", ["round"])
    op.create_index("emptying_by_door", "emptying", ["device", "door", "at_us"])
    op.create_table(
        "emptying_photo",
        sa.Column("emptying", sa.String(36), sa.ForeignKey("emptying.id"), primary_key=True),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
    )
    op.create_index("emptying_photo_by_time", "emptying_photo", ["received_us"])
    op.create_table(
        "problem",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("round", sa.String(36), sa.ForeignKey("round.id"), nullable=False),
        sa.Column("crew", sa.String(64), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("door", sa.String(32), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
    )
    op.create_index("problem_by_round", "problem", ["round"])
    op.create_table(
        "skip",
        sa.Column("round", sa.String(36), sa.ForeignKey("round.id"), primary_key=True),
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("door", sa.String(32), primary_key=True),
        sa.Column("reason", sa.String(16), nullable=False),
    )
