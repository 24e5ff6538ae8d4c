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
    Column("ends_us", BigInteger),  # None: made before tokens had an end
    Column("last_used_us", BigInteger),
)

# Names of users and tokens by what a reader cannot tell apart: one name is one person's or
# program's, also after its token was revoked.
name_key = Table(
    "name_key",
    metadata,
    Column("key", String(256), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("name", String(64), nullable=False),
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
    # 1: somebody else chose the password, so its owner changes it before anything else.
    Column("must_change", Integer, nullable=False, server_default="0"),
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

# Failed sign-ins in leaky buckets, of which there is a bounded number; ``last_us`` is up to when
# failures have leaked.
sign_in_try = Table(
    "sign_in_try",
    metadata,
    Column("bucket", String(16), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_us", BigInteger, nullable=False),
)

# Browsers on which somebody has signed in: the hash of a cookie, and of whom.
known_browser = Table(
    "known_browser",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("who", String(80), nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Index("known_browser_of", "who", "seen_us"),
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
