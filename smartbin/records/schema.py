"""The tables of records. One MetaData: SQLite and PostgreSQL have the same ones."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")  # what SQLite counts by itself

# Who deposited: the one place where a card and a deposit meet. Kept as long as points count.
deposit_line = Table(
    "deposit_line",
    metadata,
    Column("device", String(32), primary_key=True),
    Column("door", String(32), primary_key=True),
    Column("at_us", BigInteger, primary_key=True, autoincrement=False),
    Column("card", String(64), nullable=False),
    Column("day", Integer, nullable=False),
    Column("weight_g", BigInteger, nullable=False),
    Column("verdict", String(16)),
    Column("judge", String(16)),
    Column("item", String(32)),
    # Day first: what comes in is nearly always of a few days, so few pages of the index change;
    # by card every line would change a page of its own. A card's week is asked as
    # "day IN (its seven days) AND card = ?", which seeks seven times.
    Index("deposit_line_by_day", "day", "card"),
    sqlite_with_rowid=False,
)

# Card-days whose points are not settled since a line of theirs arrived. Only ever appended to, a
# mark may stand several times: a settler deletes the ids that it read, so a mark that is made
# while it works stays. Ids are never given twice.
unsettled = Table(
    "unsettled",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("card", String(64), nullable=False),
    Column("day", Integer, nullable=False),
    Column("why", String(16)),  # None: a deposit came
    sqlite_autoincrement=True,
)

# What people judged. Append-only, refused by the database otherwise: a later verdict is a row of
# its own. ``device_*`` is what the device had said of the deposit.
judgement = Table(
    "judgement",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("device", String(32), nullable=False),
    Column("door", String(32), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("device_verdict", String(16)),
    Column("device_judge", String(16)),
    Column("verdict", String(16), nullable=False),
    Column("judge", String(16), nullable=False),
    Column("who", String(64), nullable=False),
    Column("why", String(200), nullable=False),
    Column("judged_at_us", BigInteger, nullable=False),
    Index("judgement_by_deposit", "device", "door", "at_us"),
    Index("judgement_by_day", "day", "device"),
    sqlite_autoincrement=True,
)

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
