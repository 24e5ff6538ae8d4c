"""The tariff: dated rules that turn deposits into points. Data of the site, loaded by ``load``.

Points are whole numbers. Weights are grams, pauses seconds, and nothing is ever computed with
fractions: a deposit's points are rounded down once, at its end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from smartbin.accounts.rules import AccountKind
from smartbin.core.calendar import Days
from smartbin.facts.events import Category, Item

G_PER_KG = 1000
PER_CENT = 100
SPEND_DELAY_DAYS_MAX = 60


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


_Name = Annotated[str, Field(min_length=1, max_length=40)]


class PointRate(_Table):
    """What a deposit of one category earns: ``deposit_points`` for itself and ``kg_points`` for
    each kilogram; nothing below ``weight_min_g``, no more for what is above ``weight_max_g``, and
    at most ``day_max`` deposits a day (None: any number).
    """

    deposit_points: int = Field(ge=0, le=10_000)
    kg_points: int = Field(ge=0, le=10_000)
    weight_min_g: int = Field(default=200, ge=1, le=1_000_000)
    weight_max_g: int = Field(default=10_000, ge=1, le=1_000_000)
    day_max: int | None = Field(default=None, ge=1, le=1000)

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.weight_max_g < self.weight_min_g:
            raise ValueError("weight_max_g is below weight_min_g; swap them")
        if self.deposit_points == 0 and self.kg_points == 0:
            raise ValueError("earns nothing; give deposit_points or kg_points, or leave it out")
        return self


class Rules(_Table):
    """The table of one kind of account. A category without a rate earns nothing. Between two
    rewarded deposits of one category lie at least ``pause_s``; a week (Monday to Sunday) earns at
    most ``week_max_points``; with one card, at all bins together, at most ``card_day_max`` deposits
    of a day are rewarded (None: any number).
    """

    pause_s: int = Field(default=600, ge=0, le=86_400)
    week_max_points: int = Field(ge=1, le=1_000_000)
    card_day_max: int | None = Field(default=None, ge=1, le=1000)
    kitchen: PointRate | None = None
    recyclable: PointRate | None = None
    hazardous: PointRate | None = None
    residual: PointRate | None = None

    def rate(self, category: Category) -> PointRate | None:
        """What a category earns; None when it earns nothing."""
        rate: PointRate | None = getattr(self, category.value)
        return rate


class Tariff(_Table):
    """The rules from the day ``first`` until the next tariff begins. Points of a calendar year
    can be spent for ``expiry_months`` after its end (None: forever), by the tariff in force on
    the year's last day. Points that deposits earn can be spent ``spend_delay_days`` days after the
    day on which they were booked.
    """

    first: date = Field(alias="from")
    expiry_months: int | None = Field(default=None, ge=0, le=120)
    spend_delay_days: int = Field(default=0, ge=0, le=SPEND_DELAY_DAYS_MAX)
    household: Rules | None = None
    enterprise: Rules | None = None

    def rules(self, kind: AccountKind) -> Rules | None:
        """The table of one kind of account; None when it earns nothing."""
        return self.household if kind is AccountKind.HOUSEHOLD else self.enterprise


class Campaign(_Table):
    """During its days, deposits that match earn ``times_pct`` percent of their points (200:
    twice) and ``extra_points`` more. An empty list matches everything; ``communities`` are those
    of the bin.
    """

    name_zh: _Name
    name_en: _Name
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    times_pct: int = Field(default=PER_CENT, ge=PER_CENT, le=1000)
    extra_points: int = Field(default=0, ge=0, le=10_000)
    kinds: list[Annotated[AccountKind, Field(strict=False)]] = []
    categories: list[Annotated[Category, Field(strict=False)]] = []
    items: list[Annotated[Item, Field(strict=False)]] = []
    communities: list[str] = []

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.last < self.first:
            raise ValueError("to lies before from; swap them")
        if self.times_pct == PER_CENT and self.extra_points == 0:
            raise ValueError("adds nothing; give times_pct above 100 or extra_points")
        return self

    @property
    def days(self) -> Days:
        """When it runs, both days inclusive."""
        return Days(self.first, self.last)

    def matches(
        self,
        kind: AccountKind,
        day: date,
        category: Category,
        item: Item | None,
        community: str | None,
    ) -> bool:
        """Whether such a deposit takes part."""
        return (
            self.first <= day <= self.last
            and (not self.kinds or kind in self.kinds)
            and (not self.categories or category in self.categories)
            and (not self.items or item in self.items)
            and (not self.communities or community in self.communities)
        )


class Tariffs:
    """Everything a tariff file says: the tariffs by their days, and the campaigns."""

    def __init__(self, tariffs: Sequence[Tariff], campaigns: Sequence[Campaign] = ()) -> None:
        self.all = tuple(sorted(tariffs, key=lambda tariff: tariff.first))
        self.campaigns = tuple(campaigns)
        self._firsts = [tariff.first for tariff in self.all]

    def on(self, day: date) -> Tariff | None:
        """The tariff in force on a day; None before the first."""
        n = bisect_right(self._firsts, day)
        return self.all[n - 1] if n else None

    def spend_delay_days(self, day: date) -> int:
        """How many days points wait after they were booked, by the tariff in force on a day."""
        tariff = self.on(day)
        return tariff.spend_delay_days if tariff else 0

    def expires_on(self, year: int) -> date | None:
        """The last day on which the points of a calendar year can be spent; None forever."""
        tariff = self.on(date(year, 12, 31))
        if tariff is None or tariff.expiry_months is None:
            return None
        months = tariff.expiry_months
        after = date(year + 1 + months // 12, 1 + months % 12, 1)
        return after - timedelta(days=1)
