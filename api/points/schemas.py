"""The shapes of the API's answers about points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from api.inputs import WHOLE, OneLine
from api.paging import Next
from api.parts import Parts
from smartbin.accounts.rules import AccountKind
from smartbin.accounts.store import Account
from smartbin.database.requests import REQUEST_ID_PATTERN
from smartbin.points.adjustments import POINTS_MAX
from smartbin.points.ledger import Booked, EntryKind
from smartbin.points.months import said
from smartbin.points.statements import LineKind, Statement, StatementLine

AccountCode = Annotated[str, Field(examples=["12345677"])]
RequestId = Annotated[
    str,
    Field(
        pattern=REQUEST_ID_PATTERN,
        description="made by the caller; repeating it changes nothing",
        examples=["0b8e6f0e-6f0a-4d0b-9d3e-1a2b3c4d5e6f"],
    ),
]


class Body(BaseModel):
    """What callers send: nothing that nobody asked for."""

    model_config = ConfigDict(extra="forbid")


class TopAccount(BaseModel):
    """A household among the first; its code is masked."""

    rank: int = Field(examples=[1])
    account: str = Field(examples=["12***7"])
    points: int = Field(examples=[286])


class CommunityPointsOut(BaseModel):
    """A community's points of some days: ``given`` = ``earned`` + ``adjusted``."""

    community: str = Field(examples=["yicheng-haoting"])
    first: date = Field(serialization_alias="from", examples=["2026-11-01"])
    last: date = Field(serialization_alias="to", examples=["2026-11-23"])
    given: int = Field(examples=[48210])
    earned: int = Field(description="by deposits", examples=[48010])
    adjusted: int = Field(description="by the office", examples=[200])
    spent: int = Field(description="redeemed, less cancelled", examples=[12400])
    expired: int = Field(examples=[0])
    accounts: int = Field(description="accounts that earned points", examples=[391])
    top: list[TopAccount]


class Card(BaseModel):
    """A card and when it was the account's."""

    card: str
    community: str
    first: date = Field(serialization_alias="from")
    last: date | None = Field(serialization_alias="to", description="null: until further notice")


class AccountOut(BaseModel):
    """An account, its points and its cards."""

    account: AccountCode
    kind: AccountKind
    community: str | None
    balance: int = Field(examples=[312])
    spendable: int = Field(description="what of the balance can be spent now", examples=[286])
    held: int = Field(
        description="not in the balance: what late deposits add once the office releases them",
        examples=[0],
    )
    cards: list[Card]

    @classmethod
    def of(cls, kept: Account, today: date, spendable: int, held: int) -> AccountOut:
        """From the records' values."""
        cards = [
            Card(
                card=h.card,
                community=h.community,
                first=h.days.first,
                last=None if h.days.last.year == 9999 else h.days.last,
            )
            for h in kept.holdings
        ]
        community = kept.community(today)
        return cls(
            account=kept.code,
            kind=kept.kind,
            community=community,
            balance=kept.balance,
            spendable=spendable,
            held=held,
            cards=cards,
        )


class AccountRow(BaseModel):
    """An account in a list."""

    account: AccountCode
    kind: AccountKind
    community: str | None
    balance: int

    @classmethod
    def of(cls, kept: Account, today: date) -> AccountRow:
        """From the records' value."""
        return cls(
            account=kept.code,
            kind=kept.kind,
            community=kept.community(today),
            balance=kept.balance,
        )


class AccountList(BaseModel):
    """Accounts by code."""

    accounts: list[AccountRow]
    next: Next


class StatementLineOut(BaseModel):
    """A line of a statement: what came or went, and why."""

    at: datetime
    day: date
    kind: LineKind
    points: int = Field(examples=[25])
    zh: str = Field(examples=["厨余垃圾 2.0 公斤：投放 5 分，重量 20 分。共 25 分。"])
    en: str
    device: str | None = None
    door: str | None = None
    weight_g: int | None = None

    @classmethod
    def of(cls, line: StatementLine, parts: Parts) -> StatementLineOut:
        """From the records' value."""
        return cls(
            at=parts.local(line.at_us),
            day=line.day,
            kind=line.kind,
            points=line.points,
            zh=line.text.zh,
            en=line.text.en,
            device=line.door.device if line.door else None,
            door=line.door.door if line.door else None,
            weight_g=line.weight_g,
        )


class NoteOut(BaseModel):
    """A correction that was booked, or why nothing can be redeemed; contained in the lines."""

    at: datetime
    zh: str
    en: str


class StatementOut(BaseModel):
    """An account's statement: ``opening`` + every line of the days = ``closing``; newest first.

    ``balance`` is what there is now. ``unsettled`` is what deposits earned and is not booked yet:
    each such day has a line of kind ``unsettled`` that holds it back.
    """

    account: AccountCode
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    opening: int
    closing: int
    balance: int
    spendable: int = Field(description="what of the balance can be spent now")
    held: int = Field(description="not in the balance: late deposits that wait for the office")
    unsettled: int
    lines: list[StatementLineOut]
    next: Next
    notes: list[NoteOut]

    @classmethod
    def of(
        cls, s: Statement, parts: Parts, page: Sequence[StatementLine], following: str | None
    ) -> StatementOut:
        """A page of the records' value."""
        return cls(
            account=s.account,
            first=s.days.first,
            last=s.days.last,
            opening=s.opening,
            closing=s.closing,
            balance=s.balance,
            spendable=s.spendable,
            held=s.held,
            unsettled=s.unsettled,
            lines=[StatementLineOut.of(line, parts) for line in page],
            next=following,
            notes=[NoteOut(at=parts.local(n.at_us), zh=n.text.zh, en=n.text.en) for n in s.notes],
        )


class EntryOut(BaseModel):
    """An entry of the ledger, as it stands there forever."""

    id: int = Field(examples=[90210])
    account: AccountCode
    community: str
    kind: EntryKind
    points: int = Field(examples=[-6])
    day: date = Field(description="the day it concerns")
    month: str = Field(description="the month it is booked in", examples=["2026-12"])
    booked_at: datetime
    reason: str = Field(
        description="deposits, late, verdict, tariff, registry, card, expired; of an adjustment "
        "what the office wrote",
        examples=["verdict"],
    )
    reference: str | None = Field(
        description="what it belongs to; the month it concerns, where that is closed",
        examples=["2026-11"],
    )
    who: str | None

    @classmethod
    def of(cls, kept: Booked, parts: Parts) -> EntryOut:
        """From the records' value."""
        e = kept.entry
        return cls(
            id=kept.id,
            account=e.account,
            community=e.community,
            kind=e.kind,
            points=e.points,
            day=e.day,
            month=said(kept.month),
            booked_at=parts.local(kept.booked_us),
            reason=e.reason,
            reference=e.reference,
            who=e.who,
        )


class EntryList(BaseModel):
    """Entries, the newest first."""

    entries: list[EntryOut]
    next: Next


class AdjustmentIn(Body):
    """Points the office gives (or takes, below 0), and why."""

    request_id: RequestId
    points: Annotated[
        StrictInt,
        Field(
            ge=-POINTS_MAX,
            le=POINTS_MAX,
            examples=[-20],
            json_schema_extra={"not": {"const": 0}},
        ),
        WHOLE,
    ]
    reason: OneLine = Field(
        min_length=1, max_length=200, examples=["读卡错误更正 card reader fault"]
    )


class AdjustmentMade(BaseModel):
    """The answer to an adjustment; ``balance`` is what was left then."""

    account: AccountCode
    points: int
    balance: int
