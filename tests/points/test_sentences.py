"""What stands on a statement: the whole sentence, in both languages, for every reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest

from smartbin.accounts.rules import AccountKind
from smartbin.facts.events import Judge, Verdict
from smartbin.points.rules.claims import ClaimState
from smartbin.points.rules.earning import EarningWhy, earned_in_week
from smartbin.points.rules.sentences import (
    Cause,
    adjusted,
    blocked,
    cancelled,
    corrected,
    earned_sentence,
    expired,
    redeemed,
)
from smartbin.points.rules.words import kg
from tests.points.rewarding import RATE, RULES, ZONE, deposit, tables, tariffs_of

MON, TUE = "2026-09-07", "2026-09-08"
CAMPAIGN = {
    "name_zh": "厨余月",
    "name_en": "Kitchen month",
    "from": date(2026, 9, 8),
    "to": date(2026, 9, 8),
    "times_pct": 200,
}


def last(*deposits: Any, rules: Any = RULES, campaign: Any = ()) -> tuple[EarningWhy, str, str]:
    tariffs = tariffs_of(tables(rules=rules, campaign=campaign))
    earned = earned_in_week(tariffs, AccountKind.HOUSEHOLD, deposits)[-1]
    return (earned.why, *earned_sentence(earned, ZONE))


def kitchen(**changes: Any) -> dict[str, Any]:
    return {**RULES, "kitchen": {**RATE, **changes}}


WRONG: dict[str, Any] = {"verdict": Verdict.INCORRECT}
MORNING = deposit(f"{MON} 07:05:00")
# Called by the test: what is made while tests are gathered is made before a mutant is at work.
CASES: list[tuple[Callable[[], tuple[EarningWhy, str, str]], str, str]] = [
    (
        partial(last, deposit(f"{MON} 07:05:00", 1240)),
        "厨余垃圾 1.24 公斤：投放 5 分，重量 12 分。共 17 分。",
        "Kitchen waste, 1.24 kg: 5 points for the deposit and 12 points for the weight. "
        "In all 17 points.",
    ),
    (
        partial(
            last, deposit(f"{MON} 07:05:00", 1000), rules=kitchen(kg_points=0, deposit_points=1)
        ),
        "厨余垃圾 1 公斤：投放 1 分。共 1 分。",
        "Kitchen waste, 1 kg: 1 point for the deposit. In all 1 point.",
    ),
    (
        partial(
            last, deposit(f"{MON} 07:05:00", 1000), rules=kitchen(kg_points=2, deposit_points=0)
        ),
        "厨余垃圾 1 公斤：重量 2 分。共 2 分。",
        "Kitchen waste, 1 kg: 2 points for the weight. In all 2 points.",
    ),
    (
        partial(
            last,
            deposit(f"{TUE} 07:05:00", 12_000),
            rules={**RULES, "week_max_points": 200},
            campaign=[CAMPAIGN],
        ),
        "厨余垃圾 12 公斤：投放 5 分，重量 100 分；一次最多按 10 公斤计；"
        "“厨余月”活动另加 105 分；本周已满 200 分上限，少计 10 分。共 200 分。",
        "Kitchen waste, 12 kg: 5 points for the deposit and 100 points for the weight; one deposit "
        "counts with at most 10 kg; “Kitchen month” adds 105 points; the week's limit of 200 "
        "points is reached, so 10 points less. In all 200 points.",
    ),
    (
        partial(last, deposit("2025-12-31 07:05:00")),
        "厨余垃圾 1 公斤：未计分，因为当天没有适用的积分规则。",
        "Kitchen waste, 1 kg: no points, because no points rules applied to this card that day.",
    ),
    (
        partial(last, replace(MORNING, category=None)),
        "投放 1 公斤：未计分，因为这个投口当天没有登记，补登记后会补计。",
        "A deposit, 1 kg: no points, because this door was not registered that day; once it is, "
        "the points follow.",
    ),
    (
        partial(last, deposit(f"{MON} 07:05:00", category="residual")),
        "其他垃圾 1 公斤：未计分，因为积分规则不含其他垃圾。",
        "Residual waste, 1 kg: no points, because the rules give none for residual waste.",
    ),
    (
        partial(last, deposit(f"{MON} 07:05:00", judge=Judge.SUPERVISOR, **WRONG)),
        "厨余垃圾 1 公斤：未计分，因为督导员判定投放有误，有异议可向社区申请复核。",
        "Kitchen waste, 1 kg: no points, because the supervisor judged it to be in the wrong door; "
        "if you disagree, your community can have it looked at again.",
    ),
    (
        partial(last, deposit(f"{MON} 07:05:00", **WRONG)),
        "厨余垃圾 1 公斤：未计分，因为箱体判定投放有误，有异议可向社区申请复核。",
        "Kitchen waste, 1 kg: no points, because the bin judged it to be in the wrong door; if you "
        "disagree, your community can have it looked at again.",
    ),
    (
        partial(last, deposit(f"{MON} 07:05:00", claim=ClaimState.HELD)),
        "厨余垃圾 1 公斤：未计分，因为数据迟到超过 7 天，待街道办事处核实。",
        "Kitchen waste, 1 kg: no points, because it was reported more than 7 days late and waits "
        "for the office to look at it.",
    ),
    (
        partial(last, deposit(f"{MON} 07:05:00", claim=ClaimState.REJECTED)),
        "厨余垃圾 1 公斤：未计分，因为街道办事处核实后不予计分。",
        "Kitchen waste, 1 kg: no points, because the office looked at it and did not accept it.",
    ),
    (
        partial(
            last,
            deposit(f"{MON} 07:05:00", card="K1"),
            deposit(f"{MON} 12:00:00", card="K1"),
            rules={**RULES, "card_day_max": 1},
        ),
        "厨余垃圾 1 公斤：未计分，因为这张卡当天已在各箱体共计分 1 次。",
        "Kitchen waste, 1 kg: no points, because this card had already earned points once that "
        "day, at all bins together.",
    ),
    (
        partial(last, deposit(f"{MON} 07:05:00", 199)),
        "厨余垃圾 0.199 公斤：未计分，因为不足 0.2 公斤。",
        "Kitchen waste, 0.199 kg: no points, because it is lighter than 0.2 kg.",
    ),
    (
        partial(last, MORNING, deposit(f"{MON} 19:00:00"), rules=kitchen(day_max=1)),
        "厨余垃圾 1 公斤：未计分，因为当天厨余垃圾已计分 1 次。",
        "Kitchen waste, 1 kg: no points, because kitchen waste had already earned points once "
        "that day.",
    ),
    (
        partial(
            last,
            MORNING,
            deposit(f"{MON} 12:00:00"),
            deposit(f"{MON} 19:00:00"),
            rules=kitchen(day_max=2),
        ),
        "厨余垃圾 1 公斤：未计分，因为当天厨余垃圾已计分 2 次。",
        "Kitchen waste, 1 kg: no points, because kitchen waste had already earned points 2 times "
        "that day.",
    ),
    (
        partial(last, MORNING, deposit(f"{MON} 07:10:00")),
        "厨余垃圾 1 公斤：未计分，因为距上一次计分的厨余垃圾（07:05）不足 10 分钟。",
        "Kitchen waste, 1 kg: no points, because it came less than 10 minutes after kitchen waste "
        "that earned points (07:05).",
    ),
    (
        partial(
            last,
            deposit(f"{MON} 23:59:30"),
            deposit(f"{TUE} 00:00:10"),
            rules={**RULES, "pause_s": 60},
        ),
        "厨余垃圾 1 公斤：未计分，因为距上一次计分的厨余垃圾（前一天 23:59）不足 1 分钟。",
        "Kitchen waste, 1 kg: no points, because it came less than 1 minute after kitchen waste "
        "that earned points (23:59 the day before).",
    ),
    (
        partial(last, MORNING, deposit(f"{TUE} 07:10:00"), rules={**RULES, "week_max_points": 15}),
        "厨余垃圾 1 公斤：未计分，因为本周已满 15 分上限。",
        "Kitchen waste, 1 kg: no points, because the week's limit of 15 points was reached.",
    ),
    (
        partial(
            last, deposit(f"{MON} 07:05:00", 900), rules=kitchen(deposit_points=0, kg_points=1)
        ),
        "厨余垃圾 0.9 公斤：未计分，因为按重量不足 1 分。",
        "Kitchen waste, 0.9 kg: no points, because its weight gives less than one point.",
    ),
]


@pytest.mark.parametrize(("said", "zh", "en"), CASES)
def test_a_deposits_sentence(
    said: Callable[[], tuple[EarningWhy, str, str]], zh: str, en: str
) -> None:
    assert said()[1:] == (zh, en)


def test_every_deciding_reason_has_a_sentence_above() -> None:
    beside = {EarningWhy.WEIGHT_MAX, EarningWhy.CAMPAIGN}
    assert {said()[0] for said, _, _ in CASES} == set(EarningWhy) - beside


@pytest.mark.parametrize(
    ("weight_g", "said"),
    [
        (0, "0"),
        (1, "0.001"),
        (20, "0.02"),
        (1000, "1"),
        (1240, "1.24"),
        (10_050, "10.05"),
        (100_000, "100"),
    ],
)
def test_kilograms_without_needless_zeros(weight_g: int, said: str) -> None:
    assert kg(weight_g) == said


def test_what_else_stands_on_a_statement() -> None:
    last_day = date(2027, 12, 31)
    assert redeemed("纸巾", "tissues", 2, 200) == (
        "兑换“纸巾” 2 份，用去 200 分。",
        "2 x tissues taken for 200 points.",
    )
    assert cancelled("纸巾", "tissues", 1, 1) == (
        "取消兑换“纸巾” 1 份，退回 1 分。",
        "1 x tissues given back; 1 point returned.",
    )
    assert adjusted(-5, "重复计分", "office-1") == (
        "街道调整，扣减 5 分。原因：重复计分（经办：office-1）。",
        "Adjusted by the office: 5 points taken away. Reason: 重复计分 (by office-1).",
    )
    assert adjusted(1, "更正", "office-1") == (
        "街道调整，增加 1 分。原因：更正（经办：office-1）。",
        "Adjusted by the office: 1 point added. Reason: 更正 (by office-1).",
    )
    assert expired(2026, -30, last_day) == (
        "2026 年的积分 30 分已过期（有效期至2027年12月31日）。",
        "30 points of 2026 expired (they could be spent until 2027-12-31).",
    )
    assert expired(2026, 1, last_day) == (
        "更正：2026 年的积分少过期 1 分，已退回。",
        "Correction: 1 point of 2026 had not expired and is returned.",
    )
    assert expired(2026, 3, last_day).en == (
        "Correction: 3 points of 2026 had not expired and are returned."
    )
    assert blocked(-17) == (
        "更正后余额为 -17 分，再积满 17 分后可以继续兑换；已兑换的物品不收回。",
        "After a correction the balance is -17. Earn 17 points and you can redeem again; what you "
        "have taken stays yours.",
    )


def test_a_correction_names_its_causes_in_one_order() -> None:
    day = date(2026, 11, 2)
    assert corrected(day, 17, 0, [Cause.VERDICT]) == (
        "更正2026年11月2日的积分：投放判定有更正，由 17 分改为 0 分。",
        "Points of 2026-11-02 corrected: a verdict on a deposit was changed; from 17 to 0.",
    )
    both = corrected(day, 0, 5, [Cause.CARD, Cause.LATE, Cause.CARD])
    assert both == (
        "更正2026年11月2日的积分：有投放记录迟到，卡片登记有更正，由 0 分改为 5 分。",
        "Points of 2026-11-02 corrected: a deposit was reported late and the register of cards was "
        "corrected; from 0 to 5.",
    )
    assert corrected(day, 0, 5, []) == (
        "更正2026年11月2日的积分：重新核算，由 0 分改为 5 分。",
        "Points of 2026-11-02 corrected: computed anew; from 0 to 5.",
    )
    said = {corrected(day, 0, 1, [cause]) for cause in Cause}
    assert len(said) == len(Cause)
    assert "registry" not in corrected(day, 0, 1, [Cause.REGISTRY]).zh
