"""The shapes of the API's answers. Programs rely on these names; more may come, none goes."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from smartbin.collection import DoorState
from smartbin.events import Category, Item
from smartbin.registry import CommunityKind, DeviceKind
from smartbin.sorting.figures import Figures
from smartbin.sorting.rates import Rate as RateValue
from smartbin.sorting.rates import WeightShare as WeightShareValue


class Rate(BaseModel):
    """A ratio with its sample and its 95 % interval (Wilson)."""

    value: float = Field(examples=[0.91])
    low: float = Field(examples=[0.89])
    high: float = Field(examples=[0.93])
    n: int = Field(examples=[812])
    denominator: str = Field(examples=["judged deposits"])

    @classmethod
    def of(cls, rate: RateValue | None) -> Rate | None:
        """From the rule's value."""
        if rate is None:
            return None
        return cls(
            value=rate.value, low=rate.low, high=rate.high, n=rate.n, denominator=rate.denominator
        )


class WeightShare(BaseModel):
    """One weight as a share of another, both in grams."""

    value: float
    part_g: int
    whole_g: int
    denominator: str

    @classmethod
    def of(cls, share: WeightShareValue | None) -> WeightShare | None:
        """From the rule's value."""
        if share is None:
            return None
        return cls(
            value=share.value,
            part_g=share.part_g,
            whole_g=share.whole_g,
            denominator=share.denominator,
        )


class CategoryFigures(BaseModel):
    """One category's figures; ``share`` is of all weight."""

    deposits: int
    weight_g: int
    share: float | None
    judged: int
    correct: int
    accuracy: Rate | None


class FiguresOut(BaseModel):
    """What can be said of a window; ``insufficient`` says why a rate is null."""

    deposits: int
    weight_g: int
    judged: int
    correct: int
    accuracy: Rate | None
    completeness: float | None = Field(description="share of device-hours heard from")
    insufficient: str | None
    kitchen_separation: WeightShare | None
    kitchen_of_all: WeightShare | None
    diversion: WeightShare | None
    by_category: dict[Category, CategoryFigures]

    @classmethod
    def of(cls, found: Figures, completeness: float | None) -> FiguresOut:
        """From the rule's values."""
        return cls(
            deposits=found.counts.deposits,
            weight_g=found.counts.weight_g,
            judged=found.counts.judged,
            correct=found.counts.correct,
            accuracy=Rate.of(found.accuracy),
            completeness=completeness,
            insufficient=found.insufficient,
            kitchen_separation=WeightShare.of(found.kitchen_separation),
            kitchen_of_all=WeightShare.of(found.kitchen_of_all),
            diversion=WeightShare.of(found.diversion),
            by_category={
                kind: CategoryFigures(
                    deposits=one.counts.deposits,
                    weight_g=one.counts.weight_g,
                    share=one.share,
                    judged=one.counts.judged,
                    correct=one.counts.correct,
                    accuracy=Rate.of(one.accuracy),
                )
                for kind, one in found.by_category.items()
            },
        )


class DayFigures(FiguresOut):
    """The figures of one calendar day."""

    day: date


class ItemFigures(BaseModel):
    """One kind of recyclable."""

    item: Item
    deposits: int
    weight_g: int


class Sorting(BaseModel):
    """Sorting statistics of a community."""

    community: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    days: list[DayFigures]
    total: FiguresOut
    items: list[ItemFigures]
    silent_devices: list[str]
    missing_messages: int = Field(description="holes in the devices' message counters")
    quarantined: int = Field(description="refused messages of these devices, of any day")


class Community(BaseModel):
    """A community."""

    id: str = Field(examples=["yicheng-haoting"])
    name: str = Field(examples=["贻成豪庭"])
    kind: CommunityKind
    grid: str
    households: int
    placeholder: bool
    x_m: int
    y_m: int
    bins: list[str]
    collection_point: str | None


class Communities(BaseModel):
    """All communities."""

    communities: list[Community]


class RankRow(BaseModel):
    """A place in the ranking."""

    rank: int
    community: str
    name: str
    kind: CommunityKind
    value: float
    low: float
    high: float
    n: int


class InsufficientRow(BaseModel):
    """A community whose data carry no figure, and why."""

    community: str
    name: str
    reason: str


class Ranking(BaseModel):
    """Communities by what the evidence supports."""

    by: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    order: str
    ranks: list[RankRow]
    insufficient: list[InsufficientRow]


class SiteDevice(BaseModel):
    """A device of the site."""

    id: str
    kind: DeviceKind
    name: str
    community: str | None
    doors: list[str]


class Site(BaseModel):
    """The site and what it has."""

    id: str
    name: str
    zone: str
    communities: int
    bins: int
    collection_points: int
    plain_bins: int
    devices: list[SiteDevice]


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


class Full(BaseModel):
    """What a crew asks: full, overfull, faulty and silent doors, most urgent first."""

    as_of: datetime
    doors: list[FullDoor]


class LevelAt(BaseModel):
    """A level and when it was read; null with the fault when the sensor could not tell."""

    at: datetime
    level_pct: int | None
    fault: str | None


class Levels(BaseModel):
    """The history of a device's doors, newest first."""

    device: str
    doors: dict[str, list[LevelAt]]
    truncated: bool


class DoorNow(BaseModel):
    """A door and its newest level."""

    door: str
    category: Category
    capacity_l: int
    full_pct: int
    overfull_pct: int
    level: LevelAt | None


class AlarmNow(BaseModel):
    """An alarm that is active."""

    device: str
    door: str
    type: str
    since: datetime


class DeviceOut(BaseModel):
    """A device as it is now."""

    id: str
    kind: DeviceKind
    name: str
    community: str | None
    collection_point: str | None
    x_m: int
    y_m: int
    state: str | None
    status_at: datetime | None
    battery_pct: int | None
    firmware: str | None
    alarms: list[AlarmNow]
    doors: list[DoorNow]


class CollectionRow(BaseModel):
    """A door emptied."""

    at: datetime
    device: str
    door: str
    gross_g: int
    tare_g: int
    net_g: int
    crew: str | None


class Collections(BaseModel):
    """Collections of a device, newest first. ``next_before`` continues when the page was full."""

    device: str
    collections: list[CollectionRow]
    next_before: datetime | None


class DepositRow(BaseModel):
    """A deposit, without who made it."""

    at: datetime
    device: str
    door: str
    weight_g: int
    verdict: str | None
    judge: str | None
    item: str | None


class Deposits(BaseModel):
    """Deposits of a device, newest first. ``next_before`` continues when the page was full."""

    device: str
    deposits: list[DepositRow]
    next_before: datetime | None


class CollectionPoint(BaseModel):
    """A collection point and what it serves."""

    id: str
    name: str
    x_m: int
    y_m: int
    communities: list[str]
    bins: list[str]
    doors: list[DoorNow]


class CollectionPoints(BaseModel):
    """All collection points."""

    collection_points: list[CollectionPoint]
