"""An account's statement: every deposit and what it earned, everything else that came and went,
and what is not settled yet as a line of its own. The lines add up to the balance, to the point.

Lines of deposits are computed as the settler computes them, so they do not depend on the order in
which things arrived or were settled; what the ledger has not booked yet of a day (or still has to
take back) is the day's unsettled line. Booked corrections are listed apart from
the lines: a resident who remembers another number reads why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, select

from smartbin.accounts.tables import account
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.facts.events import DoorKey
from smartbin.places import Registry
from smartbin.points.earnings import EarningLine, Earnings
from smartbin.points.expire import year_of
from smartbin.points.ledger import Booked, EntryKind, of_row, spendable
from smartbin.points.rules import sentences
from smartbin.points.rules.tariff import Tariffs
from smartbin.points.rules.words import Texts
from smartbin.points.tables import OTHER, ledger, reward


class LineKind(StrEnum):
    """What a line of a statement is."""

    DEPOSIT = "deposit"
    REDEMPTION = "redemption"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    EXPIRY = "expiry"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line: when, how many points came (or went), and why. A deposit's has its door and
    weight.
    """

    at_us: int
    day: date
    kind: LineKind
    points: int
    text: Texts
    door: DoorKey | None = None
    weight_g: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was booked and is contained in the lines."""

    at_us: int
    text: Texts


@dataclass(frozen=True, slots=True)
class Statement:
    """An account's points of some days: ``opening`` + the lines = ``closing``; ``balance`` is
    what there is now, ``spendable`` what of it can be spent, ``held`` what late deposits would add
    if a person released them, ``unsettled`` what the days' unsettled lines still hold back.
    """

    account: str
    days: Days
    opening: int
    lines: Sequence[StatementLine]
    closing: int
    balance: int
    spendable: int
    held: int
    unsettled: int
    notes: Sequence[Note]


class Statements:
    """Makes statements from the records' database."""

    def __init__(self, database: Database, registry: Registry, tariffs: Tariffs) -> None:
        self._database, self._zone, self._tariffs = database, registry.site.zone, tariffs
        self._earnings = Earnings(registry, tariffs)

    def of(self, code: str, days: Days, today: date) -> Statement | None:
        """The statement of an account; None when there is no such account."""
        with self._database.read() as db:
            return self._of(db, code, days, today)

    def beside(self, code: str, today: date) -> tuple[int, int]:
        """Of an account what can be spent, and what is held."""
        asked = select(account.c.balance).where(account.c.code == code)
        with self._database.read() as db:
            balance = db.execute(asked).scalar() or 0
            return self._beside(db, code, balance, today)

    def _beside(self, db: Connection, code: str, balance: int, today: date) -> tuple[int, int]:
        delay_days = self._tariffs.spend_delay_days(today)
        return spendable(db, code, balance, today, delay_days), self._earnings.held(db, code)

    def _of(self, db: Connection, code: str, days: Days, today: date) -> Statement | None:
        asked = select(account.c.balance).where(account.c.code == code)
        balance = db.execute(asked).scalar()
        if balance is None:
            return None
        earned = [
            line
            for line in self._earnings.in_weeks(db, [code], days).get(code, ())
            if line.earned.deposit.day in days
        ]
        settled, others = _settled(db, code, days), _others(db, code, days)
        names = _names(db)
        lines = [self._deposit(line) for line in earned]
        lines += [self._other(one, names) for one in others]
        open_lines = self._unsettled(earned, settled)
        lines = sorted([*lines, *open_lines], key=lambda line: (line.at_us, line.kind))
        after = _after(db, code, days, max(today, days.last) + timedelta(days=1))
        closing = balance - after
        return Statement(
            code,
            days,
            closing - sum(line.points for line in lines),
            lines,
            closing,
            balance,
            *self._beside(db, code, balance, today),
            -sum(line.points for line in open_lines),
            self._notes(settled, balance, today),
        )

    def _deposit(self, line: EarningLine) -> StatementLine:
        d = line.earned.deposit
        return StatementLine(
            d.at_us,
            d.day,
            LineKind.DEPOSIT,
            line.earned.points,
            sentences.earned_sentence(line.earned, self._zone),
            DoorKey(d.device, d.door),
            d.weight_g,
        )

    def _other(self, one: Booked, names: Mapping[str, Texts]) -> StatementLine:
        e = one.entry
        return StatementLine(
            one.booked_us, e.day, LineKind(e.kind.value), e.points, self._text(one, names)
        )

    def _text(self, one: Booked, names: Mapping[str, Texts]) -> Texts:
        e = one.entry
        if e.kind is EntryKind.ADJUSTMENT:
            return sentences.adjusted(e.points, e.reason, e.who or "")
        if e.kind is EntryKind.EXPIRY:
            year = year_of(e)
            last_day = self._tariffs.expires_on(year) or e.day
            return sentences.expired(year, e.points, last_day)
        count, _, what = e.reason.partition(" x ")
        name = names.get(what, Texts(what, what))
        said = sentences.redeemed if e.kind is EntryKind.REDEMPTION else sentences.cancelled
        return said(name.zh, name.en, int(count), abs(e.points))

    def _unsettled(
        self, earned: Iterable[EarningLine], settled: Mapping[date, Sequence[Booked]]
    ) -> list[StatementLine]:
        due: dict[date, int] = defaultdict(int)
        last_us: dict[date, int] = {}
        for line in earned:
            day = line.earned.deposit.day
            due[day] += line.earned.points
            last_us[day] = max(last_us.get(day, 0), line.earned.deposit.at_us)
        lines = []
        for day in sorted(due.keys() | settled.keys()):
            left = due.get(day, 0) - sum(b.entry.points for b in settled.get(day, ()))
            if left:
                at_us = last_us.get(day, calendar.start_us(day, self._zone))
                lines.append(
                    StatementLine(at_us, day, LineKind.UNSETTLED, -left, _not_yet(day, left))
                )
        return lines

    def _notes(
        self, settled: Mapping[date, Sequence[Booked]], balance: int, today: date
    ) -> list[Note]:
        notes = []
        for day, entries in settled.items():
            said = 0
            for one in entries:
                if one.entry.kind is EntryKind.CORRECTION:
                    after = said + one.entry.points
                    causes = [c for c in sentences.Cause if c == one.entry.reason]
                    notes.append(Note(one.booked_us, sentences.corrected(day, said, after, causes)))
                said += one.entry.points
        notes.sort(key=lambda note: note.at_us)
        if balance < 0:
            start_us = calendar.start_us(
                today, self._zone
            )  # it holds today, whatever days are asked
            notes.append(Note(start_us, sentences.blocked(balance)))
        return notes


def _not_yet(day: date, left: int) -> Texts:
    if left > 0:
        return Texts(
            f"{day.month}月{day.day}日的 {left} 分尚未结算，将自动入账。",
            f"{left} points of {day} are not settled yet; they will be booked by themselves.",
        )
    return Texts(
        f"{day.month}月{day.day}日的积分有更正：{-left} 分将自动冲回。",
        f"The points of {day} have changed; {-left} will be taken back by themselves.",
    )


def _settled(db: Connection, code: str, days: Days) -> dict[date, list[Booked]]:
    ordinals = list(range(days.first.toordinal(), days.last.toordinal() + 1))
    rows = db.execute(
        select(ledger)
        .where(
            ledger.c.day.in_(ordinals),
            ledger.c.account == code,
            ledger.c.kind.in_(("earned", "correction")),
        )
        .order_by(ledger.c.id)
    )
    found: dict[date, list[Booked]] = defaultdict(list)
    for one in map(of_row, rows):
        found[one.entry.day].append(one)
    return found


def _others(db: Connection, code: str, days: Days) -> list[Booked]:
    rows = db.execute(
        select(ledger).where(
            OTHER,
            ledger.c.account == code,
            ledger.c.day.between(days.first.toordinal(), days.last.toordinal()),
        )
    )
    return [of_row(row) for row in rows]


def _after(db: Connection, code: str, days: Days, until: date) -> int:
    """The points of entries that concern days after the statement's."""
    table, first = ledger.c, days.last.toordinal() + 1
    points = select(func.coalesce(func.sum(table.points), 0)).where(table.account == code)
    found = int(db.execute(points.where(OTHER, table.day >= first)).scalar_one())
    ordinals = list(range(first, until.toordinal() + 1))
    if ordinals:
        earned = points.where(table.day.in_(ordinals), table.kind.in_(("earned", "correction")))
        found += int(db.execute(earned).scalar_one())
    return found


def _names(db: Connection) -> dict[str, Texts]:
    rows = db.execute(select(reward.c.id, reward.c.name_zh, reward.c.name_en))
    return {id: Texts(zh, en) for id, zh, en in rows}
