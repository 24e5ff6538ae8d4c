"""The worked example of docs/statistics.md, computed by the program."""

from __future__ import annotations

import re

from smartbin.facts.events import Category
from smartbin.sorting.rules.comparison import compare
from smartbin.sorting.rules.counts import Counts
from smartbin.sorting.rules.figures import figures
from smartbin.sorting.rules.limits import DEFAULT
from smartbin.sorting.rules.participation import participation
from smartbin.sorting.rules.ranking import Measure, weighed
from smartbin.sorting.rules.rates import Z_95, Rate, weight_share
from tests.real import ROOT

HOUSEHOLDS, DAYS = 443, 7


def example() -> tuple[dict[Category, Counts], dict[str, str]]:
    text = (ROOT / "docs/statistics.md").read_text(encoding="utf-8").split("## Worked example")[1]
    rows = [
        [c.strip() for c in row.split("|")[1:-1]] for row in re.findall(r"^\|.*\|$", text, re.M)
    ]
    counted = {Category(r[0]): Counts(*map(int, r[1:])) for r in rows if r[0] in set(Category)}
    said = {r[0]: r[2] for r in rows if len(r) == 3 and r[0] not in ("figure", "---")}
    return counted, said


def computed(counted: dict[Category, Counts]) -> dict[str, float | None]:
    share = 160 / 168
    now = figures(counted, share, DEFAULT)
    before = figures({Category.KITCHEN: Counts(1500, 1, 1500, 1380)}, 1.0, DEFAULT)
    took = participation(HOUSEHOLDS, 430, [4] * 310 + [3] * 81, share, DEFAULT)
    days = HOUSEHOLDS * DAYS
    weight = weighed(Measure.WEIGHT_PER_HOUSEHOLD, counted, share, days, DEFAULT)
    focus = weight_share(30_000, counted[Category.RECYCLABLE].weight_g, "recyclable weight_g")
    changed = compare(now, before).accuracy
    hazardous = now.by_category[Category.HAZARDOUS].accuracy
    assert now.accuracy
    assert now.kitchen_separation
    assert now.kitchen_of_all
    assert now.diversion
    assert took.rate
    assert took.regular_rate
    assert isinstance(weight, Rate)
    assert focus
    assert changed
    assert not changed.clear
    kitchen = now.by_category[Category.KITCHEN].accuracy
    assert kitchen
    return {
        "completeness": share,
        "accuracy": now.accuracy.value,
        "accuracy low": now.accuracy.low,
        "accuracy high": now.accuracy.high,
        "kitchen accuracy": kitchen.value,
        "hazardous accuracy": hazardous.value if hazardous else None,
        "kitchen_separation": now.kitchen_separation.value,
        "kitchen_of_all": now.kitchen_of_all.value,
        "diversion": now.diversion.value,
        "express_packaging": focus.value,
        "participation": took.rate.value,
        "regular_participation": took.regular_rate.value,
        "weight_per_household": weight.value,
        "weight_per_household low": weight.low,
        "accuracy change": changed.value,
        "accuracy change low": changed.low,
        "accuracy change high": changed.high,
    }


def test_the_page_says_the_z_that_the_program_takes() -> None:
    text = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    said = set(re.findall(r"1\.9\d+(?= [x/(])", text))
    assert said == {f"{Z_95:.6f}"}


def test_the_program_computes_what_the_page_says() -> None:
    counted, said = example()
    assert set(counted) == set(Category)
    told = {k: "null" if v is None else f"{v:.4f}" for k, v in computed(counted).items()}
    assert told == said
