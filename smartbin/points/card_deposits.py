"""Which cards carried what on a day: the deposits that integrity signals look at."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, select

from smartbin.accounts.tables import holding
from smartbin.core import calendar
from smartbin.core.calendar import US_PER_HOUR, Days
from smartbin.database import Database
from smartbin.deposit_lines.tables import deposit_line
from smartbin.facts.events import DoorKey, Item, Judge, Verdict
from smartbin.places import Registry
from smartbin.points.rules.earning import RewardDeposit
from smartbin.points.rules.signals import Carried

MARGIN_US = 2 * US_PER_HOUR  # what begins on the day may end after midnight


def around(database: Database, registry: Registry, day: date) -> list[Carried]:
    """Every deposit with a card of a day and of two hours before and after it, with the verdict
    of its device. Raises StoreUnavailable.
    """
    zone = registry.site.zone
    start_us, end_us = calendar.bounds_us(Days(day, day), zone)
    line = deposit_line.c
    days = [(day + timedelta(days=n)).toordinal() for n in (-1, 0, 1)]
    asked = select(deposit_line).where(
        line.day.in_(days), line.at_us.between(start_us - MARGIN_US, end_us + MARGIN_US)
    )
    held = holding.c
    holders = select(held.card, held.first_day, held.last_day, held.account).where(
        held.void_us.is_(None), held.first_day <= days[-1], held.last_day >= days[0]
    )
    with database.read() as db:
        whose: dict[tuple[str, int], str] = {}
        for card, first, last, account in db.execute(holders):
            whose.update({(card, n): account for n in days if first <= n <= last})
        rows = db.execute(asked)
        return [
            Carried(
                row.card,
                whose.get((row.card, row.day)),
                _deposit(row, registry),
                row.volume_ml,
            )
            for row in rows
        ]


def _deposit(row: Row[Any], registry: Registry) -> RewardDeposit:
    day = date.fromordinal(row.day)
    door = registry.door(DoorKey(row.device, row.door), day)
    return RewardDeposit(
        row.device,
        row.door,
        row.at_us,
        day,
        door.category if door else None,
        row.weight_g,
        row.verdict and Verdict(row.verdict),
        row.judge and Judge(row.judge),
        row.item and Item(row.item),
        registry.community_of(row.device, day),
    )
