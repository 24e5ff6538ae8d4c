"""The shapes of sorting statistics and rankings. Programs rely on these names; none goes."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from smartbin.facts.events import Category, Item
from smartbin.places import CommunityKind
from smartbin.sorting.rules.completeness import Heard
from smartbin.sorting.rules.counts import ItemCounts
from smartbin.sorting.rules.figures import Figures
from smartbin.sorting.rules.rates import Change, Rate, WeightShare
from smartbin.sorting.rules.sufficiency import InsufficientWhy


class Every(StrEnum):
    """The grain of the answer: ``days`` is filled by day, ``periods`` by week and month."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class Compare(StrEnum):
    """Which earlier window to compare with."""

    PREVIOUS = "previous"
    LAST_YEAR = "last_year"


class PlaceKind(StrEnum):
    """What a place's statistics are summed over."""

    COMMUNITY = "community"
    COLLECTION_POINT = "collection_point"
    DEVICE = "device"
    SITE = "site"


class RateOut(BaseModel):
    """A ratio with its sample and its 95 % interval (Wilson)."""

    value: float = Field(examples=[0.91])
    low: float = Field(examples=[0.89])
    high: float = Field(examples=[0.93])
    n: int = Field(examples=[812])
    denominator: str = Field(examples=["judged deposits"])

    @classmethod
    def of(cls, rate: Rate | None) -> RateOut | None:
        """From the rule's value."""
        if rate is None:
            return None
        return cls(
            value=rate.value, low=rate.low, high=rate.high, n=rate.n, denominator=rate.denominator
        )


class WeightShareOut(BaseModel):
    """One weight as a share of another, both in grams."""

    value: float = Field(examples=[0.528])
    part_g: int = Field(examples=[6_427_530])
    whole_g: int = Field(examples=[12_179_070])
    denominator: str = Field(examples=["kitchen + residual weight_g"])

    @classmethod
    def of(cls, share: WeightShare | None) -> WeightShareOut | None:
        """From the rule's value."""
        if share is None:
            return None
        return cls(
            value=share.value,
            part_g=share.part_g,
            whole_g=share.whole_g,
            denominator=share.denominator,
        )


class CategoryFiguresOut(BaseModel):
    """One category's figures; ``share`` is of the weight_g of all categories."""

    deposits: int
    weight_g: int
    share: float | None
    judged: int
    correct: int
    accuracy: RateOut | None


class FiguresOut(BaseModel):
    """What can be said of a window; ``insufficient`` says why a rate is null."""

    deposits: int
    weight_g: int
    judged: int
    correct: int
    accuracy: RateOut | None
    completeness: float | None = Field(
        description="share of device-hours heard from; null when none was to be heard"
    )
    device_hours_heard: int = Field(examples=[160])
    device_hours_expected: int = Field(
        description="device-hours in service that have passed", examples=[168]
    )
    insufficient: str | None = Field(
        examples=["heard in 41.6 % of the device-hours, at least 50 % are needed"]
    )
    insufficient_reason: InsufficientWhy | None = Field(
        description="completeness hides every ratio, judged the accuracy"
    )
    kitchen_separation: WeightShareOut | None
    kitchen_of_all: WeightShareOut | None
    diversion: WeightShareOut | None
    by_category: dict[Category, CategoryFiguresOut]

    @classmethod
    def of(cls, found: Figures, heard: Heard) -> FiguresOut:
        """From the rule's values."""
        why = found.insufficient
        return cls(
            deposits=found.counts.deposits,
            weight_g=found.counts.weight_g,
            judged=found.counts.judged,
            correct=found.counts.correct,
            accuracy=RateOut.of(found.accuracy),
            completeness=heard.share,
            device_hours_heard=heard.hours,
            device_hours_expected=heard.expected,
            insufficient=str(why) if why else None,
            insufficient_reason=why.why if why else None,
            kitchen_separation=WeightShareOut.of(found.kitchen_separation),
            kitchen_of_all=WeightShareOut.of(found.kitchen_of_all),
            diversion=WeightShareOut.of(found.diversion),
            by_category={
                kind: CategoryFiguresOut(
                    deposits=one.counts.deposits,
                    weight_g=one.counts.weight_g,
                    share=one.share,
                    judged=one.counts.judged,
                    correct=one.counts.correct,
                    accuracy=RateOut.of(one.accuracy),
                )
                for kind, one in found.by_category.items()
            },
        )


class DayFigures(FiguresOut):
    """The figures of one calendar day."""

    day: date


class PeriodFigures(FiguresOut):
    """The figures of a week (from Monday) or a month, cut to the days asked for."""

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")


class ItemFigures(BaseModel):
    """One kind of recyclable."""

    item: Item
    deposits: int
    weight_g: int


class FocusFigures(BaseModel):
    """One of the plan's focus streams and its share of the recyclables' weight."""

    deposits: int
    weight_g: int
    share: WeightShareOut | None

    @classmethod
    def of(cls, found: ItemCounts, share: WeightShare | None) -> FocusFigures:
        """From the rule's values."""
        return cls(deposits=found.deposits, weight_g=found.weight_g, share=WeightShareOut.of(share))


class ChangeOut(BaseModel):
    """A rate minus the earlier one with its 95 % interval (Newcombe); ``clear`` when the interval
    leaves out 0.
    """

    value: float = Field(examples=[0.021])
    low: float = Field(examples=[0.004])
    high: float = Field(examples=[0.038])
    clear: bool = Field(examples=[True])

    @classmethod
    def of(cls, change: Change | None) -> ChangeOut | None:
        """From the rule's value."""
        if change is None:
            return None
        return cls(value=change.value, low=change.low, high=change.high, clear=change.clear)


class Comparison(BaseModel):
    """The same figures of an earlier window, and the later minus the earlier; null where one of
    the two says nothing.
    """

    compare: Compare
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    total: FiguresOut
    deposits: int = Field(description="more deposits than then")
    weight_g: int
    accuracy: ChangeOut | None
    kitchen_separation: float | None = Field(description="difference of the two shares")
    diversion: float | None = Field(description="difference of the two shares")


class Sorting(BaseModel):
    """Sorting statistics of a place."""

    community: str = Field(
        description="the place's id: of a community, a device or the site", examples=["bin-007"]
    )
    place: PlaceKind = PlaceKind.COMMUNITY
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    as_of: datetime
    revision: int | None = Field(
        default=None,
        description="the highest revision among the days: 1 as first published, more when late "
        "data or a verdict changed one; null when none is published (see .../revisions), and of "
        "devices and collection points",
    )
    days: list[DayFigures]
    periods: list[PeriodFigures] = Field(default_factory=list)
    total: FiguresOut
    items: list[ItemFigures]
    focus: dict[Item, FocusFigures] = Field(default_factory=dict)
    comparison: Comparison | None = None
    silent_devices: list[str]
    missing_messages: int = Field(description="holes in the devices' message counters")
    unordered_days: int = Field(
        default=0, description="device-days whose counter restarted: their holes are not guessed"
    )
    quarantined: int = Field(description="refused messages of these devices received on these days")


class CommunitySorting(BaseModel):
    """One community's figures, in the table of all."""

    community: str
    name: str
    kind: CommunityKind
    total: FiguresOut
    days: list[DayFigures] = Field(description="empty when only the total is asked")


class CommunitiesSorting(BaseModel):
    """The figures of every community."""

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    as_of: datetime
    communities: list[CommunitySorting]


class RankRow(BaseModel):
    """A place in the ranking; equal ranks are ties."""

    rank: int = Field(examples=[1])
    community: str = Field(examples=["yicheng-haoting"])
    name: str = Field(examples=["贻成豪庭"])
    kind: CommunityKind
    value: float
    low: float
    high: float
    n: int
    completeness: float | None = Field(examples=[0.98])


class InsufficientRow(BaseModel):
    """A community whose data carry no figure, and why."""

    community: str
    name: str
    kind: CommunityKind
    completeness: float | None
    reason: str
    insufficient_reason: InsufficientWhy


class Ranking(BaseModel):
    """Communities by what the evidence supports."""

    by: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    as_of: datetime
    denominator: str = Field(description="what each value is divided by")
    order: str
    ranks: list[RankRow]
    insufficient: list[InsufficientRow]
