"""Users, tokens, sessions and sign-in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from smartbin.database.metadata import metadata

# Programs' bearer tokens, hashed.
token = Table(
    "token",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("community", String(64)),
)

# People who sign in. Nobody is deleted: what they did keeps their name.
app_user = Table(
    "app_user",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("community", String(64)),
    Column("password", String(200), nullable=False),  # argon2id with its parameters
    Column("created_us", BigInteger, nullable=False),
    Column("disabled_us", BigInteger),
)

# Signed-in browsers, of a user or of a resident's account. ``id`` names it to people, the secret
# in the cookie is kept as its hash.
session = Table(
    "session",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("user", String(64), ForeignKey("app_user.name")),
    Column("account", String(64)),
    Column("agent", String(120), nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Index("session_by_user", "user"),
    Index("session_by_account", "account"),
)

# Failed sign-ins, counted in a bounded number of buckets of names and of addresses.
sign_in_try = Table(
    "sign_in_try",
    metadata,
    Column("bucket", String(16), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
)

# The newest one-time code of an account, with which a resident signs in.
one_time_code = Table(
    "one_time_code",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("hash", String(200), nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("tries_left", Integer, nullable=False),
    Column("made_by", String(64), nullable=False),
)
