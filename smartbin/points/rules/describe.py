"""A tariff in sentences: what the office signs and a resident can ask for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from smartbin.accounts.rules import AccountKind
from smartbin.facts.events import Category
from smartbin.points.rules.tariff import PER_CENT, Campaign, PointRate, Rules, Tariff, Tariffs
from smartbin.points.rules.words import CATEGORY, ITEM, KIND, Texts, day_zh, kg, pause, points


def describe(
    tariffs: Tariffs, day: date | None = None, kind: AccountKind | None = None
) -> list[Texts]:
    """Every rule as a sentence; with a ``day``, only what is in force on it; with a ``kind``, only
    what concerns such accounts, without the line that says from when.
    """
    chosen = [tariff for tariff in tariffs.all if day is None or tariff is tariffs.on(day)]
    running = [
        c
        for c in tariffs.campaigns
        if (day is None or day in c.days) and (kind is None or not c.kinds or kind in c.kinds)
    ]
    return [
        *(text for tariff in chosen for text in _tariff(tariff, kind)),
        *(_campaign(campaign) for campaign in running),
    ]


def _tariff(tariff: Tariff, only: AccountKind | None) -> Iterator[Texts]:
    if only is None:
        yield Texts(f"自{day_zh(tariff.first)}起：", f"From {tariff.first}:")
    for kind in AccountKind if only is None else (only,):
        if rules := tariff.rules(kind):
            yield from _rules(KIND[kind], rules)
        else:
            yield Texts(f"{KIND[kind].zh}：不计分。", f"{KIND[kind].en}: no points.")
    yield _expiry(tariff.expiry_months)
    if days := tariff.spend_delay_days:
        when = Texts("次日", "the day") if days == 1 else Texts(f"{days} 天后", f"{days} days")
        yield Texts(
            f"积分入账{when.zh}起可用。", f"Points can be spent {when.en} after they are booked."
        )


def _rules(kind: Texts, rules: Rules) -> Iterator[Texts]:
    for category in Category:
        what, rate = CATEGORY[category], rules.rate(category)
        if rate is None:
            yield Texts(f"{kind.zh}，{what.zh}：不计分。", f"{kind.en}, {what.en}: no points.")
        else:
            said = _rate(rate)
            yield Texts(f"{kind.zh}，{what.zh}：{said.zh}。", f"{kind.en}, {what.en}: {said.en}.")
    week = rules.week_max_points
    gap = pause(rules.pause_s)
    if n := rules.card_day_max:
        yield Texts(
            f"{kind.zh}：同一张卡在各箱体每天合计最多计 {n} 次。",
            f"{kind.en}: with one card, at all bins together, at most {n} rewarded deposits a day.",
        )
    yield Texts(
        f"{kind.zh}：同一类别两次计分至少间隔 {gap.zh}；每周（周一至周日）最多 {week} 分。",
        f"{kind.en}: at least {gap.en} between two rewarded deposits of one category; at most "
        f"{points(week)} a week (Monday to Sunday).",
    )


def _rate(rate: PointRate) -> Texts:
    zh, en = [], []
    if rate.deposit_points:
        zh.append(f"每次 {rate.deposit_points} 分")
        en.append(f"{points(rate.deposit_points)} a deposit")
    if rate.kg_points:
        zh.append(f"每公斤 {rate.kg_points} 分")
        en.append(f"{points(rate.kg_points)} a kg")
    zh.append(f"每次 {kg(rate.weight_min_g)} 公斤起计，最多按 {kg(rate.weight_max_g)} 公斤计")
    en.append(f"from {kg(rate.weight_min_g)} kg, at most {kg(rate.weight_max_g)} kg of one counted")
    if rate.day_max is not None:
        zh.append(f"每天最多计 {rate.day_max} 次")
        en.append(f"at most {rate.day_max} a day")
    return Texts("，".join(zh), ", ".join(en))


def _expiry(months: int | None) -> Texts:
    if months is None:
        return Texts("积分不过期。", "Points do not expire.")
    if months == 0:
        return Texts("当年的积分年底过期。", "Points expire at the end of their year.")
    return Texts(
        f"当年的积分在年底后 {months} 个月内有效。",
        f"Points can be spent for {months} months after the end of their year.",
    )


def _campaign(c: Campaign) -> Texts:
    kinds = [KIND[kind] for kind in c.kinds]
    whats = [ITEM[item] for item in c.items] or [CATEGORY[category] for category in c.categories]
    zh, en = [k.zh for k in kinds], [k.en.lower() for k in kinds]
    zh.append("、".join(w.zh for w in whats))
    en.append(", ".join(w.en for w in whats))
    zh.append("、".join(c.communities))
    en.append(", ".join(c.communities))
    more = _more(c)
    who_zh, who_en = "；".join(filter(None, zh)), "; ".join(filter(None, en))
    return Texts(
        f"活动“{c.name_zh}”，{day_zh(c.first)}至{day_zh(c.last)}"
        f"（{who_zh or '全部投放'}）：{more.zh}。",
        f"Campaign “{c.name_en}”, {c.first} to {c.last} ({who_en or 'every deposit'}): {more.en}.",
    )


def _more(c: Campaign) -> Texts:
    zh, en = [], []
    if c.times_pct != PER_CENT:
        times = f"{c.times_pct / PER_CENT:g}"
        zh.append(f"积分 {times} 倍")
        en.append(f"points times {times}")
    if c.extra_points:
        zh.append(f"每次另加 {c.extra_points} 分")
        en.append(f"{points(c.extra_points)} more a deposit")
    return Texts("，".join(zh), " and ".join(en))
