"""What stands on a statement, in sentences a resident understands.

The words come from one place for every screen, file and letter, so that nobody is told two
things about the same points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from smartbin.core import calendar
from smartbin.facts.events import Judge
from smartbin.points.rules.earning import Earned, EarningWhy
from smartbin.points.rules.words import CATEGORY, JUDGE, Texts, day_zh, kg, pause, points

_Values = Mapping[str, int | str]


class Cause(StrEnum):
    """Why points that had been given changed."""

    LATE = "late"
    VERDICT = "verdict"
    TARIFF = "tariff"
    REGISTRY = "registry"
    CARD = "card"
    RELEASE = "release"
    VOID = "void"


_CAUSE = {
    Cause.LATE: Texts("有投放记录迟到", "a deposit was reported late"),
    Cause.VERDICT: Texts("投放判定有更正", "a verdict on a deposit was changed"),
    Cause.TARIFF: Texts("积分规则有更正", "the points rules were corrected"),
    Cause.REGISTRY: Texts("箱体或社区登记有更正", "the register of bins was corrected"),
    Cause.CARD: Texts("卡片登记有更正", "the register of cards was corrected"),
    Cause.RELEASE: Texts("迟到的投放记录经核实入账", "a late report was released by the office"),
    Cause.VOID: Texts("投放记录经核实作废", "reports of a device were rejected by the office"),
}


def earned_sentence(earned: Earned, zone: ZoneInfo) -> Texts:
    """What a deposit earned and why not more. ``zone`` is the site's, for the times in it."""
    d = earned.deposit
    what = CATEGORY[d.category] if d.category else Texts("投放", "a deposit")
    weight = kg(d.weight_g)
    zh, en = f"{what.zh} {weight} 公斤", f"{what.en[0].upper()}{what.en[1:]}, {weight} kg"
    if earned.why is not EarningWhy.EARNED:
        why = _nothing(earned, what, zone)
        return Texts(f"{zh}：未计分，因为{why.zh}。", f"{en}: no points, because {why.en}.")
    notes = [_NOTES[reason.why](reason.values) for reason in earned.reasons]
    return Texts(
        f"{zh}：{'；'.join(note.zh for note in notes)}。共 {earned.points} 分。",
        f"{en}: {'; '.join(note.en for note in notes)}. In all {points(earned.points)}.",
    )


def _base(v: _Values) -> Texts:
    deposit, weight = int(v["deposit_points"]), int(v["weight_points"])
    parts = []
    if deposit:
        parts.append(Texts(f"投放 {deposit} 分", f"{points(deposit)} for the deposit"))
    if weight or not deposit:
        parts.append(Texts(f"重量 {weight} 分", f"{points(weight)} for the weight"))
    return Texts("，".join(p.zh for p in parts), " and ".join(p.en for p in parts))


_NOTES: Mapping[EarningWhy, Callable[[_Values], Texts]] = {
    EarningWhy.EARNED: _base,
    EarningWhy.WEIGHT_MAX: lambda v: Texts(
        f"一次最多按 {kg(int(v['limit_g']))} 公斤计",
        f"one deposit counts with at most {kg(int(v['limit_g']))} kg",
    ),
    EarningWhy.CAMPAIGN: lambda v: Texts(
        f"“{v['name_zh']}”活动另加 {v['points']} 分",
        f"“{v['name_en']}” adds {points(int(v['points']))}",
    ),
    EarningWhy.WEEK_MAX: lambda v: Texts(
        f"本周已满 {v['limit']} 分上限，少计 {v['points']} 分",
        f"the week's limit of {points(int(v['limit']))} is reached, so "
        f"{points(int(v['points']))} less",
    ),
}


def _nothing(earned: Earned, what: Texts, zone: ZoneInfo) -> Texts:
    """Why a deposit earned nothing, as what follows "because"."""
    v = earned.reasons[0].values
    match earned.why:
        case EarningWhy.NO_TARIFF:
            return Texts("当天没有适用的积分规则", "no points rules applied to this card that day")
        case EarningWhy.UNKNOWN_DOOR:
            return Texts(
                "这个投口当天没有登记，补登记后会补计",
                "this door was not registered that day; once it is, the points follow",
            )
        case EarningWhy.NOT_REWARDED:
            return Texts(f"积分规则不含{what.zh}", f"the rules give none for {what.en}")
        case EarningWhy.HELD:
            return Texts(
                "数据迟到超过 7 天，待街道办事处核实",
                "it was reported more than 7 days late and waits for the office to look at it",
            )
        case EarningWhy.REJECTED:
            return Texts(
                "街道办事处核实后不予计分", "the office looked at it and did not accept it"
            )
        case EarningWhy.CARD_DAY_MAX:
            n = int(v["limit"])
            times = "once" if n == 1 else f"{n} times"
            return Texts(
                f"这张卡当天已在各箱体共计分 {n} 次",
                f"this card had already earned points {times} that day, at all bins together",
            )
        case EarningWhy.MISJUDGED:
            return _misjudged(v)
        case EarningWhy.TOO_LIGHT:
            limit = kg(int(v["limit_g"]))
            return Texts(f"不足 {limit} 公斤", f"it is lighter than {limit} kg")
        case EarningWhy.DAY_MAX:
            n = int(v["limit"])
            times = "once" if n == 1 else f"{n} times"
            return Texts(
                f"当天{what.zh}已计分 {n} 次",
                f"{what.en} had already earned points {times} that day",
            )
        case EarningWhy.TOO_SOON:
            return _too_soon(v, what, earned.deposit.day, zone)
        case EarningWhy.WEEK_MAX:
            n = int(v["limit"])
            return Texts(f"本周已满 {n} 分上限", f"the week's limit of {points(n)} was reached")
        case _:
            return Texts("按重量不足 1 分", "its weight gives less than one point")


def _misjudged(v: _Values) -> Texts:
    who = JUDGE[Judge(str(v["judge"]))] if v["judge"] else Texts("箱体", "bin")
    return Texts(
        f"{who.zh}判定投放有误，有异议可向社区申请复核",
        f"the {who.en} judged it to be in the wrong door; if you disagree, your community can "
        "have it looked at again",
    )


def _too_soon(v: _Values, what: Texts, day: date, zone: ZoneInfo) -> Texts:
    before = calendar.from_us(int(v["last_at_us"]), zone)
    gap = pause(int(v["pause_s"]))
    zh = en = before.strftime("%H:%M")
    if before.date() != day:
        zh, en = f"前一天 {zh}", f"{en} the day before"
    return Texts(
        f"距上一次计分的{what.zh}（{zh}）不足 {gap.zh}",
        f"it came less than {gap.en} after {what.en} that earned points ({en})",
    )


def redeemed(reward_zh: str, reward_en: str, quantity: int, cost: int) -> Texts:
    """Points spent: ``cost`` > 0 is what all of them cost together."""
    return Texts(
        f"兑换“{reward_zh}” {quantity} 份，用去 {cost} 分。",
        f"{quantity} x {reward_en} taken for {points(cost)}.",
    )


def cancelled(reward_zh: str, reward_en: str, quantity: int, cost: int) -> Texts:
    """A redemption taken back, and its points with it."""
    return Texts(
        f"取消兑换“{reward_zh}” {quantity} 份，退回 {cost} 分。",
        f"{quantity} x {reward_en} given back; {points(cost)} returned.",
    )


def adjusted(change: int, why: str, who: str) -> Texts:
    """An adjustment by the office, with the reason it wrote and the name of who did it."""
    verb = Texts("增加", "added") if change >= 0 else Texts("扣减", "taken away")
    return Texts(
        f"街道调整，{verb.zh} {abs(change)} 分。原因：{why}（经办：{who}）。",
        f"Adjusted by the office: {points(abs(change))} {verb.en}. Reason: {why} (by {who}).",
    )


def expired(year: int, change: int, last_day: date) -> Texts:
    """Points of a calendar year that expired (``change`` < 0), or that turned out not to have
    (``change`` > 0).
    """
    if change > 0:
        return Texts(
            f"更正：{year} 年的积分少过期 {change} 分，已退回。",
            f"Correction: {points(change)} of {year} had not expired and "
            f"{'is' if change == 1 else 'are'} returned.",
        )
    return Texts(
        f"{year} 年的积分 {-change} 分已过期（有效期至{day_zh(last_day)}）。",
        f"{points(-change)} of {year} expired (they could be spent until {last_day}).",
    )


def corrected(day: date, before: int, after: int, causes: Iterable[Cause]) -> Texts:
    """The points of a day that had been given already, changed."""
    why = [_CAUSE[cause] for cause in Cause if cause in set(causes)]
    zh = "，".join(cause.zh for cause in why) or "重新核算"
    en = " and ".join(cause.en for cause in why) or "computed anew"
    return Texts(
        f"更正{day_zh(day)}的积分：{zh}，由 {before} 分改为 {after} 分。",
        f"Points of {day} corrected: {en}; from {before} to {after}.",
    )


def blocked(balance: int) -> Texts:
    """Why nothing can be redeemed: a correction after spending left ``balance`` < 0."""
    return Texts(
        f"更正后余额为 {balance} 分，再积满 {-balance} 分后可以继续兑换；已兑换的物品不收回。",
        f"After a correction the balance is {balance}. Earn {points(-balance)} and you can redeem "
        "again; what you have taken stays yours.",
    )
