"""Leaky buckets of failed sign-ins, known browsers, ends of tokens, first passwords."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smartbin.people.principals import name_key

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Change the tables; failures counted so far are forgotten."""
    op.drop_table("sign_in_try")
    op.create_table(
        "sign_in_try",
        sa.Column("bucket", sa.String(16), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "known_browser",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
    )
    op.create_index("known_browser_of", "known_browser", ["who", "seen_us"])
    op.add_column("token", sa.Column("ends_us", sa.BigInteger))
    op.add_column("token", sa.Column("last_used_us", sa.BigInteger))
    keys = op.create_table(
        "name_key",
        sa.Column("key", sa.String(256), primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
    )
    taken: dict[str, dict[str, str]] = {}
    for kind, table in (("user", "app_user"), ("token", "token")):
        asked = sa.select(sa.column("name", sa.String)).select_from(sa.table(table))
        for name in op.get_bind().scalars(asked):
            taken.setdefault(name_key(name), {"key": name_key(name), "kind": kind, "name": name})
    if taken:
        op.bulk_insert(keys, list(taken.values()))
    op.add_column(
        "app_user", sa.Column("must_change", sa.Integer, nullable=False, server_default="0")
    )
