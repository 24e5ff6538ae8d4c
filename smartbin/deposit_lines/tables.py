"""Who deposited what, and which card-days are to be settled."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, text

from smartbin.database.metadata import ID, metadata
from smartbin.deposit_lines.rules import LATE_US
from smartbin.facts.columns import IDENTITY, measured
from smartbin.facts.events import Deposit

_LENGTHS = {"device": 32, "door": 32, "verdict": 16, "judge": 16, "item": 32}


def _type(name: str) -> BigInteger | String:
    """A whole number, unless it is a text of some length."""
    return String(_LENGTHS[name]) if name in _LENGTHS else BigInteger()


# Written out, and not bound: only so a partial index is used.
LATE = text(f"arrived_us - at_us > {LATE_US}")

# Who deposited: the one place where a card and a deposit meet. Kept as long as points count.
deposit_line = Table(
    "deposit_line",
    metadata,
    *(
        Column(name, _type(name), primary_key=True, autoincrement=False)
        for name in IDENTITY[Deposit]
    ),
    Column("card", String(64), nullable=False),
    Column("day", Integer, nullable=False),
    *(Column(c.name, _type(c.name), nullable=c.optional) for c in measured(Deposit)),
    Column("arrived_us", BigInteger),  # by our clock; None: before this was kept
    # Day first: what comes in is nearly always of a few days, so few pages of the index change;
    # by card every line would change a page of its own. A card's week is asked as
    # "day IN (its seven days) AND card = ?", which seeks seven times.
    Index("deposit_line_by_day", "day", "card"),
    # Few lines are in it: asked of one card over all its days.
    Index("deposit_line_late", "card", "day", sqlite_where=LATE, postgresql_where=LATE),
    sqlite_with_rowid=False,
)

# Card-days whose points are not settled since a line of theirs arrived. Only ever appended to, a
# mark may stand several times: a settler deletes the ids that it read, so a mark that is made
# while it works stays. Ids are never given twice.
unsettled = Table(
    "unsettled",
    metadata,
    Column("id", ID, primary_key=True),
    Column("card", String(64), nullable=False),
    Column("day", Integer, nullable=False),
    Column("why", String(16)),  # None: a deposit came
    sqlite_autoincrement=True,
)
