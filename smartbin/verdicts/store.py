"""What people judged: rows that name a deposit and supersede what its device said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import Connection, Row, false, insert, or_, select, tuple_

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput, ConstraintViolated
from smartbin.database import Database, outbox
from smartbin.database.outbox import OutboxKind
from smartbin.database.requests import once
from smartbin.deposit_lines.tables import deposit_line, unsettled
from smartbin.facts.events import Deposit, Judge, Verdict
from smartbin.verdicts.rules import Correction, DepositKey, HumanVerdict, correction_of
from smartbin.verdicts.tables import human_verdict

WHO_LENGTH_MAX, WHY_LENGTH_MAX = 64, 200
_SAID = frozenset({"device", "door", "at_us", "verdict", "judge", "who", "why"})
_AT_ONCE = 300  # deposits in one question: SQLite bounds the variables of a statement


class _KeptVerdict(BaseModel, frozen=True):
    """When a named request's verdict was kept, and whether its card's day was marked."""

    judged_at_us: int
    marked: bool


class HumanVerdicts:
    """People's verdicts in the records' database."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database, self._zone = database, zone

    def add(
        self,
        deposit: Deposit,
        verdict: Verdict,
        judge: Judge,
        who: str,
        why: str,
        now_us: int,
        request_id: str | None = None,
    ) -> HumanVerdict:
        """Keep a verdict on a deposit as its device stated it, and mark the points of its card's
        day to be settled again, in one transaction. BadInput names what is wrong.

        The same ``request_id`` again answers as the first time and keeps nothing; for another
        verdict it raises Conflict.
        """
        if judge not in (Judge.SUPERVISOR, Judge.INSPECTOR):
            raise BadInput("judge: a person's verdict is a supervisor's or an inspector's")
        for name, value, most in (("who", who, WHO_LENGTH_MAX), ("why", why, WHY_LENGTH_MAX)):
            if not value.strip() or len(value) > most:
                raise BadInput(f"{name}: write 1 to {most} characters")
        key = DepositKey(deposit.device, deposit.door, deposit.at_us)
        day = calendar.day_of(deposit.at_us, self._zone)
        kept = HumanVerdict(
            key, day, deposit.verdict, deposit.judge, verdict, judge, who, why, now_us
        )
        kept, marked = self._once(kept, request_id)
        if not marked:
            # The gateway keeps a deposit's line just after its telemetry: one that came
            # between our look and our commit was marked before the verdict could be seen.
            with self._database.write() as db:
                _mark(db, key)
        return kept

    def _once(self, new: HumanVerdict, request_id: str | None) -> tuple[HumanVerdict, bool]:
        """The verdict as it was kept, and whether its card's day is marked."""

        def keep(db: Connection) -> _KeptVerdict:
            db.execute(insert(human_verdict).values(_row(new)))
            marked = _mark(db, new.deposit)
            outbox.write(db, [(OutboxKind.VERDICT, new.deposit._asdict())], new.judged_at_us)
            return _KeptVerdict(judged_at_us=new.judged_at_us, marked=marked)

        if request_id is None:
            with self._database.write() as db:
                return new, keep(db).marked
        said = {key: value for key, value in _row(new).items() if key in _SAID}

        def answered() -> tuple[HumanVerdict, bool]:
            with self._database.write() as db:
                done = once(db, request_id, said, new.judged_at_us, _KeptVerdict, partial(keep, db))
            return replace(new, judged_at_us=done.judged_at_us), done.marked

        try:
            return answered()
        except ConstraintViolated:  # the same request at the same time: it has been kept now
            return answered()

    def for_deposits(self, keys: Sequence[DepositKey]) -> Mapping[DepositKey, list[HumanVerdict]]:
        """The verdicts on each of these deposits, oldest first; a deposit without one is absent."""
        found: dict[DepositKey, list[HumanVerdict]] = {}
        columns = tuple_(human_verdict.c.device, human_verdict.c.door, human_verdict.c.at_us)
        with self._database.read() as db:
            for start in range(0, len(keys), _AT_ONCE):
                some = [tuple(key) for key in keys[start : start + _AT_ONCE]]
                asked = select(human_verdict).where(columns.in_(some)).order_by(human_verdict.c.id)
                for row in db.execute(asked):
                    one = of_row(row)
                    found.setdefault(one.deposit, []).append(one)
        return found

    def of_device(
        self, device: str, seen: Sequence[Days], limit: int, before: int | None = None
    ) -> list[tuple[int, HumanVerdict]]:
        """Verdicts on a device's deposits of the days that a caller may see (see
        ``Registry.days_in``), the newest first, each with its number; ``before`` is the number of
        the last one of the page before.
        """
        table = human_verdict.c
        within = (table.day.between(d.first.toordinal(), d.last.toordinal()) for d in seen)
        asked = select(human_verdict).where(table.device == device, or_(false(), *within))
        if before is not None:
            asked = asked.where(table.id < before)
        asked = asked.order_by(table.id.desc()).limit(limit)
        with self._database.read() as db:
            return [(row.id, of_row(row)) for row in db.execute(asked)]

    def corrections(self, days: Days, devices: Iterable[str] | None = None) -> list[Correction]:
        """What people's verdicts change in the devices' own counts of these days."""
        table = human_verdict.c
        asked = select(human_verdict).where(
            table.day.between(days.first.toordinal(), days.last.toordinal())
        )
        if devices is not None:
            asked = asked.where(table.device.in_(sorted(set(devices))))
        by_deposit: dict[DepositKey, list[HumanVerdict]] = {}
        with self._database.read() as db:
            for row in db.execute(asked.order_by(table.id)):
                one = of_row(row)
                by_deposit.setdefault(one.deposit, []).append(one)
        corrections = (correction_of(key, judged) for key, judged in by_deposit.items())
        return [correction for correction in corrections if correction is not None]


def of_row(row: Row[tuple[object, ...]]) -> HumanVerdict:
    """The verdict that a row of the table holds."""
    return HumanVerdict(
        DepositKey(row.device, row.door, row.at_us),
        date.fromordinal(row.day),
        row.device_verdict and Verdict(row.device_verdict),
        row.device_judge and Judge(row.device_judge),
        Verdict(row.verdict),
        Judge(row.judge),
        row.who,
        row.why,
        row.judged_at_us,
    )


def _row(j: HumanVerdict) -> dict[str, object]:
    return {
        **j.deposit._asdict(),
        "day": j.day.toordinal(),
        "device_verdict": j.device_verdict,
        "device_judge": j.device_judge,
        "verdict": j.verdict,
        "judge": j.judge,
        "who": j.who,
        "why": j.why,
        "judged_at_us": j.judged_at_us,
    }


def _mark(db: Connection, key: DepositKey) -> bool:
    line = deposit_line.c
    found = db.execute(
        select(line.card, line.day).where(
            line.device == key.device, line.door == key.door, line.at_us == key.at_us
        )
    ).first()
    if found is None:
        return False
    db.execute(insert(unsettled).values(card=found.card, day=found.day, why="verdict"))
    return True
