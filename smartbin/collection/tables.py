"""Crews' rounds and what they report."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, String, Table

from smartbin.database.metadata import metadata

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

# Who took another crew's round over, and since when.
round_takeover = Table(
    "round_takeover",
    metadata,
    Column("round", String(36), ForeignKey("round.id"), primary_key=True),
    Column("crew", String(64), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)

emptying_photo = Table(
    "emptying_photo",
    metadata,
    Column("emptying", String(36), ForeignKey("emptying.id"), primary_key=True),
    Column("crew", String(64), nullable=False),
    Column("jpeg", LargeBinary, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Index("emptying_photo_by_time", "received_us"),
    Index("emptying_photo_of", "crew", "received_us"),
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
