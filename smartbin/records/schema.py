"""The tables of records. One MetaData: SQLite and PostgreSQL have the same ones."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()
# What does not follow from deposits. Written out, and not bound: only so a partial index is used.
OTHER = text("kind NOT IN ('earned', 'correction')")
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

# Figures of past days as they were published, append-only: a day that late data or a verdict
# re-opened has a row more. ``figures`` and ``changed`` are counts by category, as JSON.
figure_revision = Table(
    "figure_revision",
    metadata,
    Column("community", String(32), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("as_of_us", BigInteger, nullable=False),
    Column("figures", Text, nullable=False),
    Column("changed", Text, nullable=False),
    Index("figure_revision_by_day", "day"),
)

# Households and enterprises under pseudonymous codes. ``balance`` is the sum of the account's
# ledger entries, kept by the one function that appends them (records/ledger.py).
account = Table(
    "account",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# During its days (ordinals, inclusive) a card was an account's, and the account lived in a
# community. A row found wrong is voided, not removed: whoever it named is settled again.
holding = Table(
    "holding",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("card", String(64), nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("account", String(32), nullable=False),
    Column("community", String(32), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("void_us", BigInteger),
    Index("holding_by_card", "card"),
    Index("holding_by_account", "account"),
    sqlite_autoincrement=True,
)

# Points, append-only, refused by the database otherwise. ``day`` is the day an entry concerns,
# ``month`` (yyyymm) the one it is booked in. Indexes start with what entries of one time share,
# so that few of their pages change at once.
ledger = Table(
    "ledger",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account", String(32), nullable=False),
    Column("community", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("month", Integer, nullable=False),
    Column("booked_us", BigInteger, nullable=False),
    Column("reason", String(200), nullable=False),
    Column("reference", String(80)),
    Column("who", String(64)),
    Index("ledger_by_day", "day", "account"),
    Index("ledger_by_community", "community", "day", "account", "kind", "points"),
    Index("ledger_by_month", "month"),
    # What is not settled from deposits is little, and asked of one account over all its days.
    Index("ledger_by_account", "account", "day", sqlite_where=OTHER, postgresql_where=OTHER),
    sqlite_autoincrement=True,
)

# Sums of the ledger by the month its entries concern: a year of a community without its entries.
points_month = Table(
    "points_month",
    metadata,
    Column("community", String(32), primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("account", String(32), primary_key=True),
    Column("earned", BigInteger, nullable=False),
    Column("adjusted", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Index("points_month_by_account", "account"),
    sqlite_with_rowid=False,
)

# The tariff and the registry as points were last settled by, append-only (records/rules.py).
points_rules = Table(
    "points_rules",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("since_us", BigInteger, nullable=False),
    Column("rules", Text, nullable=False),
    sqlite_autoincrement=True,
)


# Months that are closed: what their file held.
closed_month = Table(
    "closed_month",
    metadata,
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("entries", Integer, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("closed_us", BigInteger, nullable=False),
)

# What can be had for points.
reward = Table(
    "reward",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name_zh", String(100), nullable=False),
    Column("name_en", String(100), nullable=False),
    Column("price", Integer, nullable=False),
    Column("stock", Integer, nullable=False),
    Column("offered", Boolean, nullable=False),
)

# Rewards asked for: reserved, then handed over or cancelled.
redemption = Table(
    "redemption",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account", String(32), nullable=False),
    Column("community", String(32), nullable=False),
    Column("reward", String(32), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("changed_by", String(64), nullable=False),
    Index("redemption_by_account", "account"),
    Index("redemption_by_state", "state"),
    sqlite_autoincrement=True,
)

# Requests that callers named, and what they were answered: repeating one is harmless.
request = Table(
    "request",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("content", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
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

# A crew's trip with one truck of one category; its id was made on the phone.
round_ = Table(
    "round",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("crew", String(64), nullable=False),
    Column("category", String(16), nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("received_us", BigInteger, nullable=False),
    Index("round_by_time", "started_us"),
    Index("round_by_crew", "crew", "received_us"),
)

# What people said they emptied: kept, known already, or in conflict with what is known; nothing
# that a phone sent is thrown away.
emptying = Table(
    "emptying",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("round", String(36), ForeignKey("round.id"), nullable=False),
    Column("crew", String(64), nullable=False),
    Column("device", String(32), nullable=False),
    Column("door", String(32), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("weight_g", BigInteger),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(32)),
    Column("received_us", BigInteger, nullable=False),
    Index("emptying_by_round", "round"),
    Index("emptying_by_door", "device", "door", "at_us"),
)

emptying_photo = Table(
    "emptying_photo",
    metadata,
    Column("emptying", String(36), ForeignKey("emptying.id"), primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Index("emptying_photo_by_time", "received_us"),
)

# What a crew met on its round.
problem = Table(
    "problem",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("round", String(36), ForeignKey("round.id"), nullable=False),
    Column("crew", String(64), nullable=False),
    Column("device", String(32), nullable=False),
    Column("door", String(32), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("note", String(500), nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Index("problem_by_round", "round"),
)

# Doors that a round left out, and why.
skip = Table(
    "skip",
    metadata,
    Column("round", String(36), ForeignKey("round.id"), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("door", String(32), primary_key=True),
    Column("reason", String(16), nullable=False),
)
