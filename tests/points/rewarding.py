"""Deposits and tariffs for the tests of points: one short way to write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from smartbin.core import calendar
from smartbin.facts.events import Category, Item, Judge, Verdict
from smartbin.points.rules.earning import Earned, RewardDeposit
from smartbin.points.rules.tariff import Campaign, Tariff, Tariffs

ZONE = ZoneInfo("Asia/Shanghai")
RATE = {"deposit_points": 5, "kg_points": 10, "weight_min_g": 200, "weight_max_g": 10_000}
RULES = {"pause_s": 600, "week_max_points": 300, "kitchen": RATE, "recyclable": RATE}


def tariffs_of(tables: Mapping[str, Any]) -> Tariffs:
    """What a TOML file with these tables says."""
    return Tariffs(
        [Tariff.model_validate(table) for table in tables["tariff"]],
        [Campaign.model_validate(table) for table in tables.get("campaign", ())],
    )


def tables(*, rules: Mapping[str, Any] = RULES, campaign: Sequence[Any] = ()) -> dict[str, Any]:
    """A file with one tariff, for households."""
    tariff = {"from": date(2026, 1, 1), "expiry_months": 12, "household": rules}
    return {"tariff": [tariff], "campaign": list(campaign)}


def at_us(when: str) -> int:
    """The instant of a local time ``2026-09-07 07:30:00``."""
    return calendar.to_us(datetime.fromisoformat(when).replace(tzinfo=ZONE))


def deposit(when: str, weight_g: int = 1000, category: str = "kitchen", **more: Any) -> Any:
    """A deposit at a local time, at the door of its category."""
    us = at_us(when)
    more = {"device": "bin-001", "door": category, **more}
    day = calendar.day_of(us, ZONE)
    return RewardDeposit(at_us=us, day=day, category=Category(category), weight_g=weight_g, **more)


def points(earned: Sequence[Earned]) -> list[int]:
    return [one.points for one in earned]


def row_of(d: RewardDeposit, card: str = "card") -> dict[str, Any]:
    """The same deposit as the oracle takes it."""
    return {
        "device": d.device,
        "door": d.door,
        "at_us": d.at_us,
        "card": card,
        "category": d.category,
        "weight_g": d.weight_g,
        "verdict": d.verdict,
        "judge": d.judge,
        "item": d.item,
        "community": d.community,
    }


@st.composite
def rates(draw: st.DrawFn) -> dict[str, Any]:
    least = draw(st.integers(1, 400))
    rate: dict[str, Any] = {
        "deposit_points": draw(st.integers(0, 6)),
        "kg_points": draw(st.integers(0, 60)),
        "weight_min_g": least,
        "weight_max_g": draw(st.integers(least, 3000)),
    }
    if rate["deposit_points"] + rate["kg_points"] == 0:
        rate["kg_points"] = 1
    if draw(st.booleans()):
        rate["day_max"] = draw(st.integers(1, 3))
    return rate


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {"week_max_points": draw(st.integers(1, 120))}
    if draw(st.booleans()):
        found["pause_s"] = draw(st.integers(0, 1200))
    for category in Category:
        if draw(st.integers(0, 3)):
            found[category.value] = draw(rates())
    return found


def some(words: type[Category] | type[Item]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([word.value for word in words]), max_size=2, unique=True)


@st.composite
def campaigns(draw: st.DrawFn) -> dict[str, Any]:
    first = draw(st.integers(5, 14))
    times, extra = draw(st.sampled_from([(150, 0), (100, 3), (233, 1), (200, 0)]))
    campaign: dict[str, Any] = {"name_zh": "活动", "name_en": "campaign"}
    campaign["from"] = date(2026, 9, first)
    campaign["to"] = date(2026, 9, draw(st.integers(first, 14)))
    campaign["times_pct"], campaign["extra_points"] = times, extra
    kinds = [[], ["household"], ["enterprise"], ["household", "enterprise"]]
    campaign["kinds"] = draw(st.sampled_from(kinds))
    campaign["categories"], campaign["items"] = draw(some(Category)), draw(some(Item))
    campaign["communities"] = draw(st.sampled_from([[], ["oak"], ["elm"], ["oak", "elm"]]))
    return campaign


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """Any tariff file: rules that change within the week 2026-09-07 to 13, and campaigns."""
    firsts = draw(st.lists(st.sampled_from([1, 7, 9, 11]), min_size=1, max_size=2, unique=True))
    tariffs = []
    for first in firsts:
        tariff: dict[str, Any] = {"from": date(2026, 9, first)}
        for kind in ("household", "enterprise"):
            if draw(st.integers(0, 5)):
                tariff[kind] = draw(rules())
        tariffs.append(tariff)
    return {"tariff": tariffs, "campaign": draw(st.lists(campaigns(), max_size=3))}


@st.composite
def week_deposits(draw: st.DrawFn) -> list[RewardDeposit]:
    """Deposits of the week of 2026-09-07, close enough together that every limit is met."""
    start = at_us("2026-09-07 00:00:00")
    found = []
    for _ in range(draw(st.integers(0, 14))):
        minute = draw(st.sampled_from([0, 1, 9, 10, 11, 20, 720, 1435, 1439]))
        second = draw(st.integers(0, 2))
        when = start + (draw(st.integers(0, 6)) * 86_400 + minute * 60 + second) * 1_000_000
        category = draw(st.sampled_from(Category))
        found.append(
            RewardDeposit(
                draw(st.sampled_from(["bin-001", "bin-002"])),
                category.value,
                when,
                calendar.day_of(when, ZONE),
                draw(st.sampled_from([category, category, category, None])),
                draw(st.sampled_from([1, 150, 199, 200, 201, 999, 1000, 2500, 9999])),
                draw(st.sampled_from([None, *Verdict])),
                draw(st.sampled_from([None, *Judge])),
                draw(st.sampled_from([None, *Item])),
                draw(st.sampled_from([None, "oak", "elm"])),
            )
        )
    unique = {(d.at_us, d.device, d.door): d for d in found}
    return list(unique.values())
