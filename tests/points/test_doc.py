"""docs/points.md is true: its examples, its table of the tariff's fields, its list of reasons."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from smartbin.accounts.rules import AccountKind
from smartbin.facts.events import Category, Item, Judge, Verdict
from smartbin.points.redemptions import CANCEL_DAYS
from smartbin.points.rules.earning import EarningWhy, RewardDeposit, earned_in_week
from smartbin.points.rules.expiry import expiries
from smartbin.points.rules.load import load_tariffs
from smartbin.points.rules.sentences import Cause, corrected, earned_sentence
from smartbin.points.rules.signals import SignalKind, SignalLimits
from smartbin.points.rules.tariff import Campaign, PointRate, Rules, Tariff
from smartbin.points.rules.words import CATEGORY, kg, pause
from tests.oracle.points import expired, explain
from tests.points.rewarding import ZONE, at_us, deposit, row_of, tariffs_of

PAGE = Path(__file__).parents[2].joinpath("docs", "points.md").read_text(encoding="utf-8")
TOML = tomllib.loads(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0])


def table(head: str) -> list[dict[str, str]]:
    """The rows of the table whose first line begins so."""
    lines = PAGE[PAGE.index(f"| {head}") :].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def example() -> list[tuple[RewardDeposit, int, list[str]]]:
    found = []
    for row in table("time |"):
        more: dict[str, Any] = {
            "verdict": Verdict(row["verdict"]) if row["verdict"] else None,
            "item": Item(row["item"]) if row["item"] else None,
        }
        one = deposit(row["time"], int(row["weight_g"]), row["category"], **more)
        found.append((one, int(row["points"]), row["reason"].split(", ")))
    return found


def test_the_week_of_the_example_by_both_implementations() -> None:
    deposits = [one for one, _, _ in example()]
    said = [(points, reasons) for _, points, reasons in example()]
    earned = earned_in_week(tariffs_of(TOML), AccountKind.HOUSEHOLD, deposits)
    assert [(e.points, [r.why.value for r in e.reasons]) for e in earned] == said
    held = {"card": "card", "from": date(2026, 1, 1), "to": None}
    accounts = {"a": {"kind": "household", "cards": [held]}}
    told = explain([row_of(d) for d in deposits], accounts, TOML)["a"]
    assert [(o.points, o.words) for o in told] == said
    assert f"The week earned **{sum(points for points, _ in said)}** points." in PAGE
    categories = {row["category"] for row in table("time |")}
    assert len(said) == 12
    assert categories <= set(Category)


def test_the_supervisors_verdict_of_the_example() -> None:
    deposits = [one for one, _, _ in example()]
    wrong_us = at_us("2026-11-02 07:30:00")
    judged = [
        deposit("2026-11-02 07:30:00", d.weight_g, verdict=Verdict.INCORRECT)
        if (d.at_us, d.category) == (wrong_us, Category.KITCHEN)
        else d
        for d in deposits
    ]
    sums = []
    for those in (deposits, judged):
        by_day: dict[date, int] = defaultdict(int)
        for e in earned_in_week(tariffs_of(TOML), AccountKind.HOUSEHOLD, those):
            by_day[e.deposit.day] += e.points
        sums.append(by_day)
    before, after = sums
    changed = {
        date.fromisoformat(row["day"]): tuple(
            int(row[c]) for c in ("before", "after", "difference")
        )
        for row in table("day | before")
    }
    assert changed == {
        day: (before[day], after[day], after[day] - before[day])
        for day in before
        if before[day] != after[day]
    }


def test_the_expiry_of_the_example_by_both_implementations() -> None:
    rows = table("year | given")
    given = {int(row["year"]): int(row["given"]) for row in rows}
    said = re.search(r"spent (.*?)\.\n", PAGE[PAGE.index("Example: given") :])
    assert said is not None
    spends = re.findall(r"(\d+) on (\d{4}-\d\d-\d\d)", said[1])
    spent = [(date.fromisoformat(day), int(points)) for points, day in spends]
    assert len(spent) == 3
    due = {int(row["year"]): int(row["expired"]) for row in rows}
    tariffs = tariffs_of(TOML)
    late = date(2100, 1, 1)
    assert expiries(tariffs, given, spent, late) == due == expired(TOML, given, spent, late)
    assert {int(r["year"]): int(r["given"]) - int(r["spent"]) for r in rows} == due
    for row in rows:
        assert str(tariffs.expires_on(int(row["year"]))) == row["on the end of"]


def test_the_table_of_fields_is_complete_and_its_defaults_hold() -> None:
    told: dict[str, set[str]] = defaultdict(set)
    place = ""
    models: dict[str, type[BaseModel]] = {
        "[[tariff]]": Tariff,
        "[tariff.household]": Rules,
        "[tariff.household.kitchen]": PointRate,
        "[[campaign]]": Campaign,
    }
    for row in table("table | field"):
        place = row["table"].split("`")[1] if row["table"] else place
        for field in re.findall(r"`(\w+)`", row["field"]):
            told[place].add(field)
            default = next(
                info.default
                for name, info in models[place].model_fields.items()
                if (info.alias or name) == field
            )
            if row["default"].isdigit():
                assert default == int(row["default"]), field
    sub_tables = {"household", "enterprise", *Category}
    for place, model in models.items():
        fields = {info.alias or name for name, info in model.model_fields.items()}
        assert told[place] == fields - sub_tables, place


def test_every_reason_and_signal_is_explained() -> None:
    for why in EarningWhy:
        assert f"`{why}`" in PAGE, why
    assert {row["signal"].strip("`") for row in table("signal |")} == set(SignalKind)
    seen = {row["signal"].strip("`"): row["what is seen"] for row in table("signal |")}
    limits = SignalLimits()
    assert f"{limits.apart_m} m apart, faster than {limits.speed_m_s} m/s" in seen["two_places"]
    assert (limits.bags, limits.bags_s) == (4, 15 * 60)
    assert "four or more" in seen["splitting"]
    assert "less than 15 minutes" in seen["splitting"]
    assert (limits.night_deposits, limits.night_from_h, limits.night_to_h) == (5, 23, 5)
    assert "five or more" in seen["night_burst"]
    assert "between 23:00 and 05:00" in seen["night_burst"]
    assert f"by {limits.unseen_pct} points" in seen["weight_unseen"]
    assert (limits.density_g_l, limits.share_pct) == (1000, 50)
    assert f"at least {limits.volume_from_g} g" in seen["weight_volume"]
    for category, (lightest, heaviest) in limits.densities_g_l.items():
        assert f"{category} {lightest:,} to {heaviest:,}" in seen["weight_volume"]


def test_the_residents_page_says_what_the_shipped_tariff_says() -> None:
    root = Path(__file__).parents[2]
    page = root.joinpath("docs", "zh", "resident.md").read_text(encoding="utf-8")
    tariffs = load_tariffs(root / "deploy" / "xinbei" / "tariff.toml")
    tariff = tariffs.all[-1]
    rules = tariff.household
    assert rules is not None
    for category in Category:
        rate, name = rules.rate(category), CATEGORY[category].zh
        if rate is None:
            assert f"| {name} | 不计分 |" in page
            continue
        each = f"{rate.kg_points} 分" if rate.kg_points else "不计"
        assert (
            f"| {name} | {rate.deposit_points} 分 | {each} | {kg(rate.weight_min_g)} 公斤 | "
            f"{kg(rate.weight_max_g)} 公斤 | {rate.day_max} 次 |"
        ) in page
    assert f"两次计分至少间隔 {pause(rules.pause_s).zh}" in page
    assert f"每周（周一至周日）最多 {rules.week_max_points} 分" in page
    last = tariffs.expires_on(2026)
    assert last is not None
    assert f"还没领取的，{CANCEL_DAYS} 天内可以取消" in page
    assert f"2026 年得到的积分在 {last.year} 年 {last.month} 月 {last.day} 日前有效" in page


def test_the_residents_page_quotes_sentences_as_statements_say_them() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "zh", "resident.md").read_text("utf-8")
    told = page[page.index("| 记录上写着 |") :].split("\n\n")[0].splitlines()[2:]
    quoted = [line.split("|")[1].strip() for line in told]
    file = tomllib.loads(
        Path(__file__).parents[2].joinpath("deploy/xinbei/tariff.toml").read_text("utf-8")
    )
    wrong = {"verdict": Verdict.INCORRECT, "judge": Judge.SUPERVISOR}
    heavy = [deposit(f"2026-09-{7 + n:02} 09:00:00", 5_000, "recyclable") for n in range(2)]
    deposits = [
        deposit("2026-09-07 07:05:00", 10_500),
        deposit("2026-09-07 07:10:00"),
        deposit("2026-09-07 07:11:00", 100),
        deposit("2026-09-07 07:12:00", 1000, **wrong),
        deposit("2026-09-07 08:00:00"),
        deposit("2026-09-07 09:00:00"),
        deposit("2026-09-07 09:00:00", 500, "residual"),
        replace(deposit("2026-09-07 09:01:00"), category=None),
        *heavy,
        deposit("2026-09-09 09:00:00"),
    ]
    earned = earned_in_week(tariffs_of(file), AccountKind.HOUSEHOLD, deposits)
    said = "\n".join(earned_sentence(one, ZONE).zh for one in earned)
    said += corrected(date(2026, 9, 7), 1, 2, [Cause.LATE]).zh
    for sentence in quoted:
        assert sentence in said, sentence
    assert len(quoted) == 9
