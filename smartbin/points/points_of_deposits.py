"""What single deposits have just earned, for the boards' lines of the last deposits. Nobody is
named by it: a deposit goes in, its points come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select

from smartbin.accounts.store import ever_held
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.deposit_lines.tables import deposit_line
from smartbin.facts.events import Deposit
from smartbin.points.earnings import Earnings
from smartbin.verdicts.rules import DepositKey

# A board shows five; who asks for a burst gets none of it: weeks of accounts would be read.
DEPOSITS_MAX = 50


def earned(
    database: Database, earnings: Earnings, deposits: Sequence[Deposit]
) -> Mapping[DepositKey, int]:
    """The points of each deposit as they would be settled now. One without a card that is an
    account's is absent, and so are all of more than ``DEPOSITS_MAX``.
    """
    wanted = {DepositKey(d.device, d.door, d.at_us) for d in deposits}
    if not 0 < len(wanted) <= DEPOSITS_MAX:
        return {}
    line = deposit_line.c
    instants = sorted({key.at_us for key in wanted})
    asked = select(line.card, line.day).where(
        line.device.in_({key.device for key in wanted}),
        line.door.in_({key.door for key in wanted}),
        line.at_us.in_(instants),
    )
    with database.read() as db:
        rows = db.execute(asked).all()
        if not rows:
            return {}
        days = Days(*(date.fromordinal(end([row.day for row in rows])) for end in (min, max)))
        accounts = ever_held(db, sorted({row.card for row in rows}))
        found = earnings.in_weeks(db, accounts, days)
    every = [line.earned for lines in found.values() for line in lines]
    points = {
        DepositKey(e.deposit.device, e.deposit.door, e.deposit.at_us): e.points for e in every
    }
    return {key: points[key] for key in wanted & points.keys()}
