"""Users, sessions, failed sign-ins, one-time codes; tokens bound to a community."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.add_column("token", sa.Column("community", sa.String(64)))
    op.create_table(
        "app_user",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("community", sa.String(64)),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("disabled_us", sa.BigInteger),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("user", sa.String(64), sa.ForeignKey("app_user.name")),
        sa.Column("account", sa.String(64)),
        sa.Column("agent", sa.String(120), nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("ends_us", sa.BigInteger, nullable=False),
    )
    op.create_index("session_by_user", "session", ["user"])
    op.create_index("session_by_account", "session", ["account"])
    op.create_table(
        "sign_in_try",
        sa.Column("bucket", sa.String(16), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "one_time_code",
        sa.Column("account", sa.String(64), primary_key=True),
        sa.Column("hash", sa.String(200), nullable=False),
        sa.Column("ends_us", sa.BigInteger, nullable=False),
        sa.Column("tries_left", sa.Integer, nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
    )
