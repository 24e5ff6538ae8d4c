"""How points are earned today, in sentences: what the boards and the residents' pages say."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.parts import PartsDep
from api.security import PUBLIC
from smartbin.accounts.rules import AccountKind
from smartbin.points.rules.describe import describe

router = APIRouter(prefix="/api/v1", tags=["points"], dependencies=[PUBLIC])


class RuleOut(BaseModel):
    """One rule in both languages."""

    zh: str = Field(examples=["家庭，有害垃圾：每次 20 分，每次 0.02 公斤起计。"])
    en: str = Field(examples=["Household, hazardous waste: 20 points a deposit."])


class TariffOut(BaseModel):
    """The rules in force on a day; none where no tariff is."""

    day: date
    rules: list[RuleOut]


@router.get("/tariff")
def tariff(
    parts: PartsDep,
    kind: Annotated[AccountKind | None, Query(description="only what concerns these")] = None,
) -> TariffOut:
    """Show the rules by which points are earned today, in sentences, and running campaigns."""
    day = parts.today()
    rules = [RuleOut(zh=text.zh, en=text.en) for text in describe(parts.tariffs, day, kind)]
    return TariffOut(day=day, rules=rules)
