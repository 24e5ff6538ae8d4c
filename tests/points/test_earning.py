"""What a week of deposits earns: each limit from both sides, order-free, never over a cap."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartbin.accounts.rules import AccountKind
from smartbin.facts.events import Category, Judge, Verdict
from smartbin.points.rules.earning import EarningWhy, RewardDeposit, earned_in_week
from smartbin.points.rules.load import load_tariffs
from tests.oracle.points import explain, oracle
from tests.points.rewarding import (
    RATE,
    RULES,
    deposit,
    files,
    points,
    row_of,
    tables,
    tariffs_of,
    week_deposits,
)

XINBEI = Path(__file__).parents[2] / "deploy" / "xinbei"
HOUSEHOLD = AccountKind.HOUSEHOLD
MON = "2026-09-07"
CAMPAIGN = {
    "name_zh": "活动",
    "name_en": "campaign",
    "from": date(2026, 9, 8),
    "to": date(2026, 9, 9),
    "times_pct": 200,
}


def earn(*deposits: RewardDeposit, rules: Any = RULES, campaign: Any = ()) -> list[Any]:
    file = tables(rules=rules, campaign=campaign)
    return earned_in_week(tariffs_of(file), HOUSEHOLD, deposits)


def with_rate(**changes: Any) -> dict[str, Any]:
    return {**RULES, "kitchen": {**RATE, **changes}}


def whys(earned: list[Any]) -> list[list[str]]:
    return [[reason.why.value for reason in one.reasons] for one in earned]


def test_the_shipped_tariff_pays_kitchen_waste_by_deposit_and_by_kg() -> None:
    tariffs = load_tariffs(XINBEI / "tariff.toml")
    twice = [deposit(f"{MON} 07:30:00", 1_290)] * 2
    (earned,) = earned_in_week(tariffs, HOUSEHOLD, twice)
    assert earned.points == 5 + 12
    assert dict(earned.reasons[0].values) == {"deposit_points": 5, "weight_points": 12}


@pytest.mark.parametrize(
    ("weight_g", "due", "why"),
    [
        (0, 0, ["too_light"]),
        (199, 0, ["too_light"]),
        (200, 7, ["earned"]),
        (299, 7, ["earned"]),
        (300, 8, ["earned"]),
        (10_000, 105, ["earned"]),
        (10_001, 105, ["earned", "weight_max"]),
        (900_000, 105, ["earned", "weight_max"]),
    ],
)
def test_weight_counts_between_its_limits(weight_g: int, due: int, why: list[str]) -> None:
    earned = earn(deposit(f"{MON} 07:30:00", weight_g))
    assert (points(earned), whys(earned)) == ([due], [why])


def test_ten_minutes_lie_between_rewarded_deposits_of_one_category() -> None:
    earned = earn(
        deposit(f"{MON} 07:00:00"),
        deposit(f"{MON} 07:00:01", category="recyclable"),
        deposit(f"{MON} 07:09:59", device="bin-002"),
        deposit(f"{MON} 07:10:00", device="bin-002"),
        deposit(f"{MON} 07:19:59"),
        deposit(f"{MON} 07:20:00"),
    )
    assert points(earned) == [15, 15, 0, 15, 0, 15]
    assert earned[2].why is EarningWhy.TOO_SOON
    assert dict(earned[2].reasons[0].values) == {
        "last_at_us": earned[0].deposit.at_us,
        "pause_s": 600,
    }
    assert earned[4].reasons[0].values["last_at_us"] == earned[3].deposit.at_us


def test_no_pause_when_the_tariff_has_none_and_across_midnight_when_it_has() -> None:
    pair = (deposit(f"{MON} 23:59:00"), deposit("2026-09-08 00:01:00"))
    assert points(earn(*pair)) == [15, 0]
    assert points(earn(*pair, rules={**RULES, "pause_s": 0})) == [15, 15]


def test_a_day_rewards_so_many_deposits_of_a_category_and_the_next_day_as_many() -> None:
    rules = with_rate(day_max=2)
    hours = [f"{MON} 07:00:00", f"{MON} 12:00:00", f"{MON} 23:30:00", "2026-09-08 00:00:00"]
    earned = earn(*map(deposit, hours), rules=rules)
    assert points(earned) == [15, 15, 0, 15]
    assert dict(earned[2].reasons[0].values) == {"limit": 2}
    other = earn(*(deposit(h, category="recyclable") for h in hours), rules=rules)
    assert points(other) == [15, 15, 15, 15]


def test_what_earned_nothing_starts_no_pause_and_fills_no_limit() -> None:
    earned = earn(
        deposit(f"{MON} 07:00:00", 100),
        deposit(f"{MON} 07:01:00", verdict=Verdict.INCORRECT, judge=Judge.CAMERA),
        deposit(f"{MON} 07:02:00"),
        deposit(f"{MON} 07:03:00"),
        rules=with_rate(day_max=1),
    )
    assert whys(earned) == [["too_light"], ["misjudged"], ["earned"], ["day_max"]]
    assert earned[1].reasons[0].values["judge"] == "camera"


def test_misjudged_earns_nothing_correct_and_unjudged_earn_alike() -> None:
    earned = earn(
        deposit(f"{MON} 07:00:00", verdict=Verdict.INCORRECT, judge=None),
        deposit(f"{MON} 08:00:00", verdict=Verdict.CORRECT, judge=Judge.CAMERA),
        deposit(f"{MON} 09:00:00"),
    )
    assert points(earned) == [0, 15, 15]
    assert earned[0].reasons[0].values["judge"] == ""


@pytest.mark.parametrize(
    ("limit", "due", "why"),
    [
        (29, [15, 14], ["earned", "week_max"]),
        (30, [15, 15], ["earned"]),
        (31, [15, 15], ["earned"]),
        (16, [15, 1], ["earned", "week_max"]),
        (15, [15, 0], ["week_max"]),
    ],
)
def test_a_week_earns_no_more_than_its_limit(limit: int, due: list[int], why: list[str]) -> None:
    pair = (deposit(f"{MON} 07:00:00"), deposit("2026-09-13 23:59:59"))
    earned = earn(*pair, rules={**RULES, "week_max_points": limit})
    assert (points(earned), whys(earned)[1]) == (due, why)
    if why == ["earned", "week_max"]:
        assert dict(earned[1].reasons[1].values) == {"limit": limit, "points": 30 - limit}
    if why == ["week_max"]:
        assert dict(earned[1].reasons[0].values) == {"limit": limit}


def test_a_week_limit_lowered_within_the_week_takes_nothing_back() -> None:
    low = {**RULES, "week_max_points": 10}
    file = tables()
    file["tariff"].append({"from": date(2026, 9, 9), "household": low})
    days = [deposit(f"2026-09-{day:02} 07:00:00") for day in (8, 9)]
    earned = earned_in_week(tariffs_of(file), HOUSEHOLD, days)
    assert (points(earned), whys(earned)) == ([15, 0], [["earned"], ["week_max"]])


def test_deposits_follow_the_tariff_of_their_day() -> None:
    file = tables()
    dearer = {**RULES, "kitchen": {**RATE, "deposit_points": 6}}
    file["tariff"].insert(0, {"from": date(2026, 9, 9), "household": dearer})
    days = [deposit(f"2026-09-{day:02} 07:00:00") for day in (8, 9, 10)]
    assert points(earned_in_week(tariffs_of(file), HOUSEHOLD, days)) == [15, 16, 16]


def test_without_a_tariff_a_table_a_rate_or_a_door_nothing_is_earned_and_it_is_said() -> None:
    file = tables()
    before = deposit("2025-12-31 12:00:00")
    assert earned_in_week(tariffs_of(file), HOUSEHOLD, [before])[0].why is EarningWhy.NO_TARIFF
    now = deposit(f"{MON} 07:00:00")
    assert (
        earned_in_week(tariffs_of(file), AccountKind.ENTERPRISE, [now])[0].why
        is EarningWhy.NO_TARIFF
    )
    assert earn(deposit(f"{MON} 07:00:00", category="residual"))[0].why is EarningWhy.NOT_REWARDED
    assert earn(replace(now, category=None))[0].why is EarningWhy.UNKNOWN_DOOR
    first = deposit("2026-01-01 00:00:00")
    assert earned_in_week(tariffs_of(file), HOUSEHOLD, [first])[0].why is EarningWhy.EARNED


@pytest.mark.parametrize(
    ("weight_g", "due", "why"), [(999, 0, "under_one_point"), (1000, 1, "earned")]
)
def test_less_than_a_point_is_none_and_no_reward(weight_g: int, due: int, why: str) -> None:
    rules = with_rate(deposit_points=0, kg_points=1, day_max=1)
    earned = earn(
        deposit(f"{MON} 07:00:00", weight_g), deposit(f"{MON} 07:01:00", 1500), rules=rules
    )
    assert (points(earned)[0], earned[0].why) == (due, why)
    assert points(earned)[1] == (1 if due == 0 else 0)


def test_a_campaign_counts_on_its_days_and_rounds_once() -> None:
    days = [deposit(f"2026-09-{day:02} 07:00:00", 1250) for day in (7, 8, 9, 10)]
    earned = earn(*days, campaign=[CAMPAIGN])
    assert points(earned) == [17, 35, 35, 17]
    assert dict(earned[1].reasons[1].values) == {
        "name_zh": "活动",
        "name_en": "campaign",
        "points": 18,
    }
    extra = {**CAMPAIGN, "times_pct": 100, "extra_points": 4}
    assert points(earn(*days, campaign=[extra])) == [17, 21, 21, 17]


def test_the_best_of_several_campaigns_counts_and_of_equals_the_first() -> None:
    on = deposit("2026-09-08 07:00:00")
    lesser = {**CAMPAIGN, "name_en": "lesser", "times_pct": 150}
    same = {**CAMPAIGN, "name_en": "same"}
    (earned,) = earn(on, campaign=[lesser, CAMPAIGN, same])
    assert (earned.points, earned.reasons[1].values["name_en"]) == (30, "campaign")


@pytest.mark.parametrize(
    ("matching", "other"),
    [
        ({"kinds": ["household"]}, {"kinds": ["enterprise"]}),
        ({"categories": ["kitchen"]}, {"categories": ["recyclable"]}),
        ({"items": ["paper"]}, {"items": ["metal"]}),
        ({"communities": ["oak"]}, {"communities": ["elm"]}),
    ],
)
def test_a_campaign_is_for_those_it_names(matching: dict[str, Any], other: dict[str, Any]) -> None:
    on = deposit("2026-09-08 07:00:00", item="paper", community="oak")
    assert points(earn(on, campaign=[{**CAMPAIGN, **matching}])) == [30]
    assert points(earn(on, campaign=[{**CAMPAIGN, **other}])) == [15]


def test_a_broken_device_that_says_two_things_under_one_name_is_still_order_free() -> None:
    light, heavy = deposit(f"{MON} 07:00:00", 500), deposit(f"{MON} 07:00:00", 900)
    assert earn(light, heavy) == earn(heavy, light)
    wrong = replace(light, verdict=Verdict.INCORRECT)
    assert earn(light, wrong) == earn(wrong, light)
    assert len(earn(light, heavy, wrong)) == 1


def test_deposits_of_one_moment_go_by_device_and_door() -> None:
    second = deposit(f"{MON} 07:00:00", device="bin-002")
    first = deposit(f"{MON} 07:00:00", device="bin-001")
    earned = earn(second, first)
    assert [one.deposit.device for one in earned] == ["bin-001", "bin-002"]
    assert points(earned) == [15, 0]


def test_two_weeks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^the deposits of one account are settled week by week$"):
        earn(deposit("2026-09-13 12:00:00"), deposit("2026-09-14 12:00:00"))
    with pytest.raises(ValueError, match="week by week"):
        earn(deposit("2026-09-07 12:00:00"), deposit("2027-09-13 12:00:00"))
    assert earn() == []


KINDS = st.sampled_from(AccountKind)


@given(files(), week_deposits(), KINDS, st.randoms())
def test_any_order_and_repetition_give_the_same(
    file: Any, deposits: list[RewardDeposit], kind: AccountKind, chance: Any
) -> None:
    tariffs = tariffs_of(file)
    again = deposits + chance.sample(deposits, len(deposits) // 2)
    chance.shuffle(again)
    assert earned_in_week(tariffs, kind, again) == earned_in_week(tariffs, kind, deposits)


@given(files(), week_deposits(), KINDS)
def test_no_cap_is_ever_exceeded_and_every_point_is_explained(
    file: Any, deposits: list[RewardDeposit], kind: AccountKind
) -> None:
    tariffs = tariffs_of(file)
    earned = earned_in_week(tariffs, kind, deposits)
    assert [e.deposit for e in earned] == sorted(
        deposits, key=lambda d: (d.at_us, d.device, d.door)
    )
    rewarded = [e for e in earned if e.points]
    tables_ = [rules for tariff in tariffs.all if (rules := tariff.rules(kind))]
    assert sum(points(earned)) <= max((rules.week_max_points for rules in tables_), default=0)
    for one in earned:
        by_why = {reason.why: reason.values for reason in one.reasons}
        explained = 0
        if base := by_why.get(EarningWhy.EARNED):
            explained = int(base["deposit_points"]) + int(base["weight_points"])
            explained += int(by_why.get(EarningWhy.CAMPAIGN, {"points": 0})["points"])
            explained -= int(by_why.get(EarningWhy.WEEK_MAX, {"points": 0})["points"])
        assert (one.points, one.points > 0) == (explained, one.why is EarningWhy.EARNED)
    for day in {e.deposit.day for e in rewarded}:
        tariff = tariffs.on(day)
        assert tariff is not None
        rules = tariff.rules(kind)
        assert rules is not None
        for category in Category:
            own = [e for e in rewarded if (e.deposit.day, e.deposit.category) == (day, category)]
            rate = rules.rate(category)
            assert not own or rate is not None
            if rate and rate.day_max is not None:
                assert len(own) <= rate.day_max
            times = [e.deposit.at_us for e in own]
            assert all(b - a >= rules.pause_s * 1_000_000 for a, b in pairwise(times))


@given(files(), week_deposits(), KINDS)
def test_the_separate_implementation_agrees_on_every_point_and_reason(
    file: Any, deposits: list[RewardDeposit], kind: AccountKind
) -> None:
    held = {"card": "card", "from": date(2026, 1, 1), "to": None}
    accounts = {"acc": {"kind": kind.value, "cards": [held]}}
    rows = [row_of(d) for d in deposits]
    earned = earned_in_week(tariffs_of(file), kind, deposits)
    told = explain(rows, accounts, file)["acc"]
    assert [(o.points, o.words) for o in told] == [
        (e.points, [reason.why.value for reason in e.reasons]) for e in earned
    ]
    assert oracle(rows, accounts, file) == {"acc": sum(points(earned))}


def test_the_separate_implementation_follows_cards_verdicts_and_weeks() -> None:
    """Weeks, moved cards and people's verdicts are settled outside earned_in_week: by hand."""
    file = tables(rules={**RULES, "week_max_points": 20})
    day, week = timedelta(days=1), 7
    rows = [
        {**row_of(deposit(f"{MON} 07:00:00")), "judge": "camera", "verdict": "incorrect"},
        row_of(deposit("2026-09-08 07:00:00")),
        row_of(deposit("2026-09-14 07:00:00")),
        row_of(deposit("2026-09-15 07:00:00"), card="nobody's"),
    ]
    moved = date(2026, 9, 7) + week * day
    accounts = {
        "old": {
            "kind": "household",
            "cards": [{"card": "card", "from": date.min, "to": moved - day}],
        },
        "new": {"kind": "household", "cards": [{"card": "card", "from": moved, "to": None}]},
    }
    assert oracle(rows, accounts, file) == {"old": 15, "new": 15}
    name = {key: rows[0][key] for key in ("device", "door", "at_us")}
    inspector = {**name, "verdict": "correct", "judge": "inspector", "judged_at_us": 1}
    supervisor = {**name, "verdict": "incorrect", "judge": "supervisor", "judged_at_us": 2}
    assert oracle(rows, accounts, file, [supervisor, inspector]) == {"old": 20, "new": 15}
    later = {**inspector, "verdict": "incorrect", "judged_at_us": 3}
    assert oracle(rows, accounts, file, [later, supervisor, inspector])["old"] == 15
