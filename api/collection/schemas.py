"""The shapes of rounds: what phones send and what the office reads."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from api.inputs import WHOLE, Lines, Moment, OneLine
from api.paging import Next
from smartbin.collection.rules import ConfirmationReason, DoorState
from smartbin.collection.store import Outcome
from smartbin.facts.events import AlarmType, Category

BATCH_MAX = 100
SKIPS_MAX = 500


class Given(BaseModel):
    """What a phone sends: nothing it names is ignored."""

    model_config = ConfigDict(extra="forbid")


class RoundIn(Given):
    """A round that begins; the phone makes its id, once."""

    id: UUID
    category: Category
    started_at: Moment


class RoundOut(BaseModel):
    """A round."""

    id: str
    crew: str
    category: Category
    started_at: datetime
    ended_at: datetime | None


class AtDoor(Given):
    """Something at a door, with the id that the phone made for it."""

    id: UUID
    device: OneLine = Field(min_length=1, max_length=32, examples=["bin-007"])
    door: OneLine = Field(min_length=1, max_length=32, examples=["kitchen"])
    at: Moment


class EmptyingIn(AtDoor):
    """A door emptied, as a person says."""

    weight_g: Annotated[StrictInt, Field(ge=0, le=10_000_000), WHOLE] | None = None


class EmptyingsIn(Given):
    """What was emptied, in the order it was done."""

    emptyings: list[EmptyingIn] = Field(min_length=1, max_length=BATCH_MAX)


class Result(BaseModel):
    """What became of one: kept; known, because another phone or the bin reported it before; or in
    conflict, and why. The answer for an id stays the same however often it is sent.
    """

    id: str
    outcome: Outcome
    reason: ConfirmationReason | None = None


class Results(BaseModel):
    """A result for everything that was sent, in its order."""

    results: list[Result]


class ProblemKind(StrEnum):
    """What a crew may meet."""

    BLOCKED = "blocked"
    DAMAGED = "damaged"
    LOCKED = "locked"
    WRONG = "wrong"
    OTHER = "other"


class ProblemIn(AtDoor):
    """Something a crew met at a door."""

    kind: ProblemKind
    note: Lines = Field("", max_length=500)


class ProblemsIn(Given):
    """A problem that a crew reports."""

    problems: list[ProblemIn] = Field(min_length=1, max_length=BATCH_MAX)


class SkipReason(StrEnum):
    """Why a door was left out."""

    TIME = "time"
    CLOSED = "closed"
    FULL = "full"
    OTHER = "other"


class Skipped(Given):
    """A door left out."""

    device: OneLine = Field(min_length=1, max_length=32, examples=["bin-007"])
    door: OneLine = Field(min_length=1, max_length=32, examples=["kitchen"])
    reason: SkipReason


class EndIn(Given):
    """The end of a round."""

    ended_at: Moment
    skipped: list[Skipped] = Field(default=[], max_length=SKIPS_MAX)


class EmptyingOut(BaseModel):
    """A confirmation and what became of it."""

    id: str
    crew: str
    device: str
    door: str
    at: datetime
    weight_g: int | None
    outcome: Outcome
    reason: str | None
    photo: bool


class ProblemOut(BaseModel):
    """Something a crew met."""

    id: str
    crew: str
    device: str
    door: str
    at: datetime
    kind: str
    note: str


class Takeover(BaseModel):
    """Another crew that went on with a round."""

    crew: str
    at: datetime


class WholeRound(RoundOut):
    """A round with everything reported on it."""

    emptyings: list[EmptyingOut]
    problems: list[ProblemOut]
    skipped: list[Skipped]
    taken_over: list[Takeover]


class RoundsOut(BaseModel):
    """Rounds, newest first."""

    rounds: list[RoundOut]
    next: Next


class FullDoor(BaseModel):
    """A door that needs somebody."""

    device: str
    door: str
    category: Category
    community: str | None
    collection_point: str | None
    name: str
    x_m: int
    y_m: int
    level_pct: int | None
    state: DoorState
    full_since: datetime | None
    read_at: datetime | None
    age_s: int | None
    confirmed_at: datetime | None = Field(
        default=None, description="when a person said it was emptied, since it was read last"
    )
    confirmed_by: str | None = None


class WithheldDevice(BaseModel):
    """A device with an active fire or smoke alarm: nobody empties it, so none of its doors is
    among ``doors``.
    """

    device: str
    name: str
    community: str | None
    reason: AlarmType = Field(description="fire or smoke")
    since: datetime
    doors: list[str] = Field(description="all its doors, whatever their level and category")


class Full(BaseModel):
    """What a crew asks: full, overfull, faulty and silent doors, most urgent first."""

    as_of: datetime
    doors: list[FullDoor]
    withheld: list[WithheldDevice] = Field(
        default_factory=list,
        description="burning and smoking devices, fire first, whatever category was asked; "
        "their doors come back when the alarm has ended",
    )
