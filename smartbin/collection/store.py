"""Rounds: what crews emptied, met and left out. Every id is made on a phone, so telling it twice is
telling it once; and what a phone told is kept, also when it cannot be right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from smartbin.collection.rules import SAME_WITHIN_US, Confirmation, ConfirmationReason, emptyings
from smartbin.collection.tables import (
    emptying,
    emptying_photo,
    problem,
    round_,
    round_takeover,
    skip,
)
from smartbin.core import calendar
from smartbin.core.errors import Conflict, NotFound
from smartbin.core.scope import Scope
from smartbin.database import Database, outbox
from smartbin.database.bulk import insert_into
from smartbin.database.outbox import OutboxKind
from smartbin.facts.events import Category, Collection, DoorKey

ROUNDS_A_DAY_MAX = 100
EMPTYINGS_MAX = 1_000
PROBLEMS_MAX = 200
# Of one crew: twice what two rounds a day of 40 doors need, and what three months hold.
PHOTOS_A_DAY_MAX, PHOTOS_MAX = 200, 10_000
PHOTO_DAYS = 92
"""How long a photo is kept: the month after the quarter in which it was evidence."""


class Outcome(StrEnum):
    """What became of a confirmation."""

    KEPT = "kept"
    KNOWN = "known"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Round:
    """A crew's trip with a truck of one category."""

    id: str
    crew: str
    category: Category
    started_us: int
    ended_us: int | None = None

    @property
    def at_us(self) -> int:
        """When it began."""
        return self.started_us


@dataclass(frozen=True, slots=True)
class ConfirmationResult:
    """A confirmation and what became of it: ``known`` is the same emptying as another report of
    it; ``conflict`` says in ``reason`` why it counts for nothing.
    """

    what: Confirmation
    outcome: Outcome
    reason: ConfirmationReason | None = None


@dataclass(frozen=True, slots=True)
class ProblemReport:
    """A problem that a crew met at a door."""

    id: str
    crew: str
    device: str
    door: str
    at_us: int
    kind: str
    note: str


class Rounds:
    """The rounds in the records' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, new: Round, now_us: int) -> None:
        """Begin a round. Idempotent by id. Conflict when the id is another round's, or another
        crew's, or too many.
        """
        row = {
            "id": new.id,
            "crew": new.crew,
            "category": new.category,
            "started_us": new.started_us,
            "received_us": now_us,
        }
        day_us = 24 * calendar.US_PER_HOUR
        lately = and_(round_.c.crew == new.crew, round_.c.received_us > now_us - day_us)
        with self._database.write() as db:
            found = db.execute(select(round_).where(round_.c.id == new.id)).first()
            if found is None:
                if (db.scalar(select(func.count()).where(lately)) or 0) >= ROUNDS_A_DAY_MAX:
                    detail = (
                        f"{new.crew} began {ROUNDS_A_DAY_MAX} rounds within a day; go on with one"
                    )
                    raise Conflict("too-many-rounds", detail)
                db.execute(insert_into(db, round_).values(row).on_conflict_do_nothing())
                found = db.execute(select(round_).where(round_.c.id == new.id)).one()
        same = found.category, found.started_us, found.crew
        if same != (new.category, new.started_us, new.crew):
            raise Conflict("id-used", f"the id {new.id} is another round's; make a new one")

    def get(self, id: str) -> Round:
        """A round; NotFound when there is none."""
        with self._database.read() as db:
            row = db.execute(select(round_).where(round_.c.id == id)).first()
        if row is None:
            raise NotFound("unknown-round", f"there is no round {id}; POST it first")
        return _round(row)

    def take_over(self, id: str, crew: str, now_us: int) -> None:
        """Let another crew go on with a round, and keep who and when. Idempotent. NotFound when
        there is none.
        """
        self.get(id)
        row = {"round": id, "crew": crew, "at_us": now_us}
        with self._database.write() as db:
            db.execute(insert_into(db, round_takeover).values(row).on_conflict_do_nothing())

    def takeovers(self, id: str) -> Mapping[str, int]:
        """Who took a round over, and when, in order."""
        c = round_takeover.c
        asked = select(c.crew, c.at_us).where(c.round == id).order_by(c.at_us, c.crew)
        with self._database.read() as db:
            return {row.crew: row.at_us for row in db.execute(asked)}

    def between(
        self,
        scope: Scope,
        start_us: int,
        end_us: int,
        limit: int,
        after: tuple[int, str] | None = None,
    ) -> Sequence[Round]:
        """The scope's rounds begun in ``[start_us, end_us)``, newest first, of one instant by id;
        ``after`` is the instant and the id of the last one of the page before.
        """
        c = round_.c
        asked = select(round_).where(c.started_us >= start_us, c.started_us < end_us)
        asked = asked.order_by(c.started_us.desc(), c.id)
        if scope.crews is not None:
            asked = asked.where(c.crew.in_(scope.crews))
        if after is not None:
            at_us, id = after
            same = and_(c.started_us == at_us, c.id > id)
            asked = asked.where(or_(c.started_us < at_us, same))
        with self._database.read() as db:
            return [_round(row) for row in db.execute(asked.limit(limit))]

    def keep(
        self,
        told: Sequence[tuple[Confirmation, ConfirmationReason | None]],
        reported: Sequence[Collection],
        now_us: int,
    ) -> Sequence[ConfirmationResult]:
        """Keep confirmations of one round, each with why it cannot be right or None; answers what
        became of each. ``reported`` are the bins' own reports around them.
        """
        with self._database.write() as db:
            _one_at_a_time(db)
            before = _by_id(db, [what.id for what, _ in told])
            room = EMPTYINGS_MAX - _count(db, emptying.c.round, told[0][0].round) if told else 0
            near = list(_near(db, [what for what, reason in told if reason is None]))
            results, added = [], []
            for what, reason in told:
                if (kept := before.get(what.id)) is not None:
                    # Whoever holds the phone now may send what another of them noted.
                    same = replace(kept.what, crew=what.crew) == what
                    results.append(kept if same else _conflict(what, ConfirmationReason.ID_USED))
                    continue
                if room <= 0:
                    results.append(_conflict(what, ConfirmationReason.ROUND_FULL))
                    continue
                outcome = Outcome.CONFLICT if reason else _outcome(what, near, reported)
                result = before[what.id] = ConfirmationResult(what, outcome, reason)
                results.append(result)
                db.execute(insert(emptying).values(_row(result, now_us)))
                room -= 1
                if reason is None:
                    near.append(what)
                added.append(what.id)
            if added:
                payload = {"round": told[0][0].round, "confirmations": added}
                outbox.write(db, [(OutboxKind.CONFIRMATION, payload)], now_us)
        return results

    def told(self, round_id: str) -> Sequence[ConfirmationResult]:
        """What was confirmed on a round, in order."""
        asked = select(emptying).where(emptying.c.round == round_id)
        with self._database.read() as db:
            rows = db.execute(asked.order_by(emptying.c.at_us, emptying.c.id))
            return [_told(row) for row in rows]

    def confirmed(
        self, doors: Sequence[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Confirmation]:
        """What counts of what people confirmed in ``[start_us, end_us)``, newest first."""
        wanted = set(doors)
        devices = sorted({key.device for key in wanted})
        asked = {"start_us": start_us, "end_us": end_us, "devices": devices, "limit": limit}
        with self._database.read() as db:
            return [
                w for row in db.execute(_CONFIRMED, asked) if (w := _told(row).what).key in wanted
            ]

    def met(self, round_id: str, new: Sequence[ProblemReport], now_us: int) -> Sequence[Outcome]:
        """Keep problem reports. Idempotent by id; an id used for another is a conflict."""
        with self._database.write() as db:
            _one_at_a_time(db)
            room = PROBLEMS_MAX - _count(db, problem.c.round, round_id)
            outcomes, added = [], []
            for one in new:
                row = db.execute(select(problem).where(problem.c.id == one.id)).first()
                if row is not None:
                    same = (row.round, replace(_met(row), crew=one.crew)) == (round_id, one)
                    outcomes.append(Outcome.KEPT if same else Outcome.CONFLICT)
                    continue
                outcomes.append(Outcome.KEPT if room > 0 else Outcome.CONFLICT)
                if room > 0:
                    room -= 1
                    values = {name: getattr(one, name) for name in ProblemReport.__slots__}
                    more = {"round": round_id, "received_us": now_us}
                    db.execute(insert(problem).values(**values, **more))
                    added.append(one.id)
            if added:
                payload = {"round": round_id, "problems": added}
                outbox.write(db, [(OutboxKind.PROBLEM, payload)], now_us)
        return outcomes

    def problems(self, round_id: str) -> Sequence[ProblemReport]:
        """The problem reports of a round, in order."""
        asked = select(problem).where(problem.c.round == round_id).order_by(problem.c.at_us)
        with self._database.read() as db:
            return [_met(row) for row in db.execute(asked)]

    def end(self, round_id: str, ended_us: int, skipped: Mapping[DoorKey, str]) -> None:
        """End a round, saying which doors were left out and why; of two endings the last counts."""
        rows = [
            {"round": round_id, "device": key.device, "door": key.door, "reason": reason}
            for key, reason in skipped.items()
        ]
        with self._database.write() as db:
            where = round_.c.id == round_id
            db.execute(update(round_).where(where).values(ended_us=ended_us))
            db.execute(delete(skip).where(skip.c.round == round_id))
            if rows:
                db.execute(insert(skip), rows)

    def skipped(self, round_id: str) -> Mapping[DoorKey, str]:
        """The doors that a round left out, and why."""
        asked = select(skip).where(skip.c.round == round_id).order_by(skip.c.device, skip.c.door)
        with self._database.read() as db:
            return {DoorKey(row.device, row.door): row.reason for row in db.execute(asked)}

    def put_photo(
        self, round_id: str, emptying_id: str, crew: str, jpeg: bytes, now_us: int
    ) -> None:
        """Keep an emptying's photo, within the crew's own budget: no photo makes room for
        another, and only age ends one. Idempotent: the first one stays. Conflict when the budget
        is used up.
        """
        c, p = emptying.c, emptying_photo.c
        day_us = 24 * calendar.US_PER_HOUR
        row = {"emptying": emptying_id, "crew": crew, "jpeg": jpeg, "received_us": now_us}
        with self._database.write() as db:
            _one_at_a_time(db)
            where = and_(c.id == emptying_id, c.round == round_id)
            if db.scalar(select(c.id).where(where)) is None:
                raise NotFound(
                    "unknown-emptying", f"round {round_id} has no emptying {emptying_id}"
                )
            if db.scalar(select(p.emptying).where(p.emptying == emptying_id)) is not None:
                return
            db.execute(delete(emptying_photo).where(p.received_us < now_us - PHOTO_DAYS * day_us))
            of_crew = select(func.count()).where(p.crew == crew)
            today = db.scalar(of_crew.where(p.received_us > now_us - day_us)) or 0
            if today >= PHOTOS_A_DAY_MAX or (db.scalar(of_crew) or 0) >= PHOTOS_MAX:
                raise Conflict(
                    "too-many-photos",
                    f"{crew} has sent {today} photos within a day; {PHOTOS_A_DAY_MAX} a day and "
                    f"{PHOTOS_MAX} in {PHOTO_DAYS} days are kept",
                )
            db.execute(insert(emptying_photo).values(row))

    def photo(self, round_id: str, emptying_id: str) -> bytes:
        """An emptying's photo; NotFound when it has none or it was older than PHOTO_DAYS."""
        asked = (
            select(emptying_photo.c.jpeg)
            .join(emptying, emptying.c.id == emptying_photo.c.emptying)
            .where(emptying.c.id == emptying_id, emptying.c.round == round_id)
        )
        with self._database.read() as db:
            found = db.scalar(asked)
        if found is None:
            raise NotFound("no-photo", f"emptying {emptying_id} has no photo")
        return bytes(found)

    def photographed(self, round_id: str) -> frozenset[str]:
        """The emptyings of a round that have a photo."""
        asked = select(emptying_photo.c.emptying).join(emptying).where(emptying.c.round == round_id)
        with self._database.read() as db:
            return frozenset(db.scalars(asked))

    def _reading(self) -> Any:
        return self._database.read()


# Put together once: crews ask it with every look at what is full.
_CONFIRMED = (
    select(emptying)
    .where(
        emptying.c.at_us >= bindparam("start_us"),
        emptying.c.at_us < bindparam("end_us"),
        emptying.c.outcome != Outcome.CONFLICT,
        emptying.c.device.in_(bindparam("devices", expanding=True)),
    )
    .order_by(emptying.c.at_us.desc(), emptying.c.device, emptying.c.door, emptying.c.id)
    .limit(bindparam("limit"))
)


def _one_at_a_time(db: Connection) -> None:
    """Two phones that confirm one stop at the same instant: one of them must see the other's."""
    if db.dialect.name == "postgresql":  # SQLite's BEGIN IMMEDIATE does the same
        db.execute(text("LOCK TABLE emptying IN SHARE ROW EXCLUSIVE MODE"))


def _conflict(what: Confirmation, reason: ConfirmationReason) -> ConfirmationResult:
    return ConfirmationResult(what, Outcome.CONFLICT, reason)


def _outcome(
    what: Confirmation, near: Sequence[Confirmation], reported: Sequence[Collection]
) -> Outcome:
    own = [one for one in near if one.key == what.key]
    bins = [one for one in reported if DoorKey(one.device, one.door) == what.key]
    same = next(e for e in emptyings(bins, [*own, what]) if what in e.confirmed)
    alone = same.reported is None and len(same.confirmed) == 1
    return Outcome.KEPT if alone else Outcome.KNOWN


def _near(db: Connection, told: Sequence[Confirmation]) -> Sequence[Confirmation]:
    """What is known of the same doors around the same times."""
    if not told:
        return []
    c = emptying.c
    doors = {what.key for what in told}
    asked = select(emptying).where(
        c.at_us >= min(what.at_us for what in told) - 2 * SAME_WITHIN_US,
        c.at_us <= max(what.at_us for what in told) + 2 * SAME_WITHIN_US,
        c.outcome != Outcome.CONFLICT,
        or_(*(and_(c.device == key.device, c.door == key.door) for key in sorted(doors))),
    )
    return [_told(row).what for row in db.execute(asked)]


def _by_id(db: Connection, ids: Sequence[str]) -> dict[str, ConfirmationResult]:
    rows = db.execute(select(emptying).where(emptying.c.id.in_(ids)))
    return {row.id: _told(row) for row in rows}


def _count(db: Connection, column: Any, value: str) -> int:
    return db.scalar(select(func.count()).where(column == value)) or 0


def _row(told: ConfirmationResult, now_us: int) -> dict[str, object]:
    values = {name: getattr(told.what, name) for name in Confirmation.__slots__}
    return {**values, "outcome": told.outcome, "reason": told.reason, "received_us": now_us}


def _told(row: Any) -> ConfirmationResult:
    values = {name: getattr(row, name) for name in Confirmation.__slots__}
    reason = row.reason and ConfirmationReason(row.reason)
    return ConfirmationResult(Confirmation(**values), Outcome(row.outcome), reason)


def _met(row: Any) -> ProblemReport:
    return ProblemReport(**{name: getattr(row, name) for name in ProblemReport.__slots__})


def _round(row: Any) -> Round:
    return Round(row.id, row.crew, Category(row.category), row.started_us, row.ended_us)
