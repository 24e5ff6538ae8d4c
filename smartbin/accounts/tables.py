"""Accounts and the cards they hold."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from smartbin.database.metadata import ID, metadata

# Households and enterprises under pseudonymous codes. ``balance`` is the sum of the account's
# ledger entries, kept by the one function that appends them (points/ledger.py).
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
    Column("id", ID, primary_key=True),
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
