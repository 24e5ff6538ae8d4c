"""The ledger, its sums, the rules it follows, rewards and redemptions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, text

from smartbin.database.metadata import ID, metadata

# What does not follow from deposits. Written out, and not bound: only so a partial index is used.
OTHER = text("kind NOT IN ('earned', 'correction')")

# Points, append-only, refused by the database otherwise. ``day`` is the day an entry concerns,
# ``month`` (yyyymm) the one it is booked in. Indexes start with what entries of one time share,
# so that few of their pages change at once.
ledger = Table(
    "ledger",
    metadata,
    Column("id", ID, primary_key=True),
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

# What settling booked of late, by the day of booking and account: it may not be spent yet. Points
# that a person released are not in it. Rows older than any delay are deleted.
points_fresh = Table(
    "points_fresh",
    metadata,
    Column("booked_day", Integer, primary_key=True, autoincrement=False),
    Column("account", String(32), primary_key=True),
    Column("points", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What was decided of a device's claims, append-only: the newest that covers a deposit stands.
# It covers those of the device (of one door, where it names one) from ``first_us`` to ``last_us``
# that had arrived by ``arrived_us``.
claim_decision = Table(
    "claim_decision",
    metadata,
    Column("id", ID, primary_key=True),
    Column("device", String(32), nullable=False),
    Column("door", String(32)),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("arrived_us", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("who", String(64), nullable=False),
    Column("decided_us", BigInteger, nullable=False),
    Index("claim_decision_by_device", "device"),
    sqlite_autoincrement=True,
)

# The tariff and the registry as points were last settled by, append-only (points/kept_rules.py).
points_rules = Table(
    "points_rules",
    metadata,
    Column("id", ID, primary_key=True),
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
    Column("id", ID, primary_key=True),
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
