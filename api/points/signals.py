"""What looks wrong about a day's deposits, for the office: evidence for a person to look at."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from operator import itemgetter
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import Problem
from api.inputs import Day
from api.paging import CursorOf, Next, NumberedPosition, Paging, numbered
from api.parts import Parts, PartsDep
from api.security import OFFICE
from api.tables import Format, FormatQuery, csv_response
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import DoorKey, LevelReading
from smartbin.points.card_deposits import around
from smartbin.points.rules.signals import Carried, Signal, SignalKind, SignalLimits, signals

router = APIRouter(prefix="/api/v1", tags=["points"], dependencies=[OFFICE])
SIGNALS_MAX = 1_000
LEVELS_MAX = 20_000  # of one device: a reading of four doors every 30 s is 11,520 a day
FIRST_DAY = date(2020, 1, 1)


class SignalOut(BaseModel):
    """Something that looks wrong. ``accounts`` are codes, or a card's where it is nobody's; none
    when nobody stands out.
    """

    kind: SignalKind
    at: datetime
    accounts: list[str] = Field(examples=[["KH7Q2M4P"]])
    zh: str
    en: str
    evidence: dict[str, int | str]


class SignalsOut(BaseModel):
    """A day's signals, oldest first; ``total`` counts those that are not shown too."""

    day: date
    total: int
    signals: list[SignalOut]
    next: Next


@router.get("/signals", response_model=SignalsOut)
def of_day(
    parts: PartsDep,
    paging: Annotated[Paging[NumberedPosition], Depends(CursorOf(NumberedPosition))],
    day: Annotated[Day | None, Query(description="today by default")] = None,
    kind: Annotated[SignalKind | None, Query(description="only these")] = None,
    account: Annotated[str, Query(max_length=64, description="only this account's")] = "",
    limit: Annotated[
        int, Query(ge=1, le=SIGNALS_MAX, description="signals of a page")
    ] = SIGNALS_MAX,
    format: FormatQuery = Format.JSON,
) -> SignalsOut | Response:
    """List a day's integrity signals with their evidence. They are reported, never punished.

    One card at two places, one bag split into many, weight that the level sensor did not see,
    bursts at night.
    """
    day = day or parts.today()
    if not FIRST_DAY <= day <= parts.today():
        detail = f"day: {day} is not a day from {FIRST_DAY} to today; ask for another"
        raise Problem(422, "bad-input", detail, parameter="day")
    chosen = [
        signal
        for signal in _signals(parts, day)
        if kind in (None, signal.kind) and (not account or account in signal.accounts)
    ]
    found = numbered(chosen, lambda signal: signal.at_us, lambda signal: signal.kind)
    left = [one for one in found if paging.after is None or one[0] > paging.after]
    page, following = paging.cut(left, limit, itemgetter(0))
    shown = [_out(parts, signal) for _, signal in page]
    if format is Format.CSV:
        rows = ({**one.model_dump(), "accounts": " ".join(one.accounts)} for one in shown)
        columns = ("kind", "at", "accounts", "zh", "en", "evidence")
        return csv_response(columns, rows, f"signals-{day}", paging.link(following))
    return SignalsOut(day=day, total=len(chosen), signals=shown, next=following)


def _signals(parts: Parts, day: date) -> list[Signal]:
    zone = parts.registry.site.zone
    carried = around(parts.database, parts.registry, day)
    places = {device.id: (device.x_m, device.y_m) for device in parts.registry.devices.values()}
    capacities_l = {door.key: door.capacity_l for door in parts.registry.doors(day)}
    levels = _levels(parts, day, carried, capacities_l)
    found = signals(carried, places, capacities_l, levels, zone)
    return [signal for signal in found if calendar.day_of(signal.at_us, zone) == day]


def _levels(
    parts: Parts, day: date, carried: list[Carried], capacities_l: dict[DoorKey, int]
) -> dict[DoorKey, list[LevelReading]]:
    """The day's readings of devices where enough was put in for the level to show it."""
    limits = SignalLimits()
    weights_g: Counter[DoorKey] = Counter()
    for one in carried:
        d = one.deposit
        weights_g[DoorKey(d.device, d.door)] += d.weight_g
    heavy = {
        key.device
        for key, weight_g in weights_g.items()
        if weight_g * 100 >= limits.unseen_pct * limits.density_g_l * capacities_l.get(key, 10**9)
    }
    start_us, end_us = calendar.bounds_us(Days(day, day), parts.registry.site.zone)
    levels: dict[DoorKey, list[LevelReading]] = {}
    for device in sorted(heavy):
        for reading in parts.reader.levels(device, start_us, end_us, LEVELS_MAX):
            levels.setdefault(DoorKey(reading.device, reading.door), []).append(reading)
    return levels


def _out(parts: Parts, signal: Signal) -> SignalOut:
    return SignalOut(
        kind=signal.kind,
        at=parts.local(signal.at_us),
        accounts=list(signal.accounts),
        zh=signal.text.zh,
        en=signal.text.en,
        evidence=dict(signal.evidence),
    )
