"""One account's week of deposits -> what each earned, and why not more. Pure and order-free.

The rules and a worked example: docs/points.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from operator import attrgetter

from smartbin.accounts.rules import AccountKind
from smartbin.core.calendar import US_PER_S
from smartbin.facts.events import Category, Item, Judge, Verdict
from smartbin.points.rules.claims import ClaimState
from smartbin.points.rules.tariff import G_PER_KG, PER_CENT, Campaign, PointRate, Rules, Tariffs


class EarningWhy(StrEnum):
    """Why a deposit earned what it earned."""

    EARNED = "earned"
    WEIGHT_MAX = "weight_max"
    CAMPAIGN = "campaign"
    WEEK_MAX = "week_max"
    NO_TARIFF = "no_tariff"
    UNKNOWN_DOOR = "unknown_door"
    NOT_REWARDED = "not_rewarded"
    HELD = "held"
    REJECTED = "rejected"
    MISJUDGED = "misjudged"
    TOO_LIGHT = "too_light"
    CARD_DAY_MAX = "card_day_max"
    DAY_MAX = "day_max"
    TOO_SOON = "too_soon"
    UNDER_ONE_POINT = "under_one_point"


@dataclass(frozen=True, slots=True)
class RewardDeposit:
    """A deposit as points see it: ``day`` is the site's, ``category`` what the door took on that
    day (None: not in the registry), ``verdict`` the one that stands and ``judge`` whose it is,
    ``community`` the bin's on that day, ``claim`` whether the device's word counts.
    """

    device: str
    door: str
    at_us: int
    day: date
    category: Category | None
    weight_g: int
    verdict: Verdict | None = None
    judge: Judge | None = None
    item: Item | None = None
    community: str | None = None
    card: str | None = None
    claim: ClaimState = ClaimState.COUNTED


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason with the values its sentence needs."""

    why: EarningWhy
    values: Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Earned:
    """What a deposit earned. The first reason decides; those after it say why it was more or
    less.
    """

    deposit: RewardDeposit
    points: int
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> EarningWhy:
        """The reason that decides."""
        return self.reasons[0].why


def earned_in_week(
    tariffs: Tariffs, kind: AccountKind, deposits: Iterable[RewardDeposit]
) -> list[Earned]:
    """What each deposit of one account in one ISO week earned, in the order of events.

    Any order, and the same deposit any number of times, gives the same answer. Raises ValueError
    when the deposits lie in more than one week.
    """
    ordered = _in_order(deposits)
    if ordered and ordered[0].day.isocalendar()[:2] != ordered[-1].day.isocalendar()[:2]:
        raise ValueError("the deposits of one account are settled week by week")
    week = _Week(tariffs, kind)
    return [week.settle(deposit) for deposit in ordered]


def _in_order(deposits: Iterable[RewardDeposit]) -> list[RewardDeposit]:
    """In the order of events, each name once. Two contents under one name (a broken device) are
    decided by the content, so that the answer depends on neither order nor chance.
    """
    kept: list[RewardDeposit] = []
    for d in sorted(deposits, key=_NAME):
        if not kept or _NAME(d) != _NAME(kept[-1]):
            kept.append(d)
        elif _content(d) < _content(kept[-1]):
            kept[-1] = d
    return kept


_NAME = attrgetter("at_us", "device", "door")


def _content(d: RewardDeposit) -> tuple[int, str]:
    return (d.weight_g, f"{d.verdict} {d.judge} {d.category} {d.item} {d.community} {d.day}")


_NOT_COUNTED = {
    ClaimState.HELD: EarningWhy.HELD,
    ClaimState.REJECTED: EarningWhy.REJECTED,
}


class _Week:
    """What has been rewarded so far, while one week's deposits go by in the order of events."""

    def __init__(self, tariffs: Tariffs, kind: AccountKind) -> None:
        self._tariffs, self._kind = tariffs, kind
        self._points = 0
        self._rewarded: Counter[tuple[date, Category]] = Counter()
        self._with_card: Counter[tuple[date, str]] = Counter()
        self._last_at_us: dict[Category, int] = {}

    def settle(self, d: RewardDeposit) -> Earned:
        tariff = self._tariffs.on(d.day)
        rules = tariff.rules(self._kind) if tariff else None
        if rules is None:
            return _nothing(d, EarningWhy.NO_TARIFF)
        if d.category is None:
            return _nothing(d, EarningWhy.UNKNOWN_DOOR)
        rate = rules.rate(d.category)
        if rate is None:
            return _nothing(d, EarningWhy.NOT_REWARDED)
        return self._refused(d, d.category, rules, rate) or self._reward(d, d.category, rules, rate)

    def _refused(
        self, d: RewardDeposit, category: Category, rules: Rules, rate: PointRate
    ) -> Earned | None:
        if d.claim in _NOT_COUNTED:
            return _nothing(d, _NOT_COUNTED[d.claim])
        if d.verdict is Verdict.INCORRECT:
            return _nothing(d, EarningWhy.MISJUDGED, judge=d.judge or "")
        if d.weight_g < rate.weight_min_g:
            return _nothing(d, EarningWhy.TOO_LIGHT, limit_g=rate.weight_min_g)
        of_card = rules.card_day_max
        if of_card is not None and d.card and self._with_card[d.day, d.card] >= of_card:
            return _nothing(d, EarningWhy.CARD_DAY_MAX, limit=of_card)
        if rate.day_max is not None and self._rewarded[d.day, category] >= rate.day_max:
            return _nothing(d, EarningWhy.DAY_MAX, limit=rate.day_max)
        last_at_us = self._last_at_us.get(category)
        if last_at_us is not None and d.at_us - last_at_us < rules.pause_s * US_PER_S:
            return _nothing(d, EarningWhy.TOO_SOON, last_at_us=last_at_us, pause_s=rules.pause_s)
        if self._points >= rules.week_max_points:
            return _nothing(d, EarningWhy.WEEK_MAX, limit=rules.week_max_points)
        return None

    def _reward(
        self, d: RewardDeposit, category: Category, rules: Rules, rate: PointRate
    ) -> Earned:
        plain = _points(rate, d.weight_g, PER_CENT)
        best, points = self._with_campaign(d, category, rate, plain)
        if points == 0:
            return _nothing(d, EarningWhy.UNDER_ONE_POINT)
        values = {
            "deposit_points": rate.deposit_points,
            "weight_points": plain - rate.deposit_points,
        }
        reasons = [Reason(EarningWhy.EARNED, values)]
        if d.weight_g > rate.weight_max_g:
            reasons.append(Reason(EarningWhy.WEIGHT_MAX, {"limit_g": rate.weight_max_g}))
        if best is not None:
            name = {"name_zh": best.name_zh, "name_en": best.name_en}
            reasons.append(Reason(EarningWhy.CAMPAIGN, {**name, "points": points - plain}))
        room = rules.week_max_points - self._points
        if points > room:
            cut = {"limit": rules.week_max_points, "points": points - room}
            reasons.append(Reason(EarningWhy.WEEK_MAX, cut))
            points = room
        self._points += points
        self._rewarded[d.day, category] += 1
        if d.card:
            self._with_card[d.day, d.card] += 1
        self._last_at_us[category] = d.at_us
        return Earned(d, points, tuple(reasons))

    def _with_campaign(
        self, d: RewardDeposit, category: Category, rate: PointRate, plain: int
    ) -> tuple[Campaign | None, int]:
        """The campaign that gives most (the first of equals), and the points with it."""
        best, most = None, plain
        for campaign in self._tariffs.campaigns:
            if campaign.matches(self._kind, d.day, category, d.item, d.community):
                points = _points(rate, d.weight_g, campaign.times_pct) + campaign.extra_points
                if points > most:
                    best, most = campaign, points
        return best, most


def _points(rate: PointRate, weight_g: int, times_pct: int) -> int:
    counted_g = min(weight_g, rate.weight_max_g)
    thousandths = rate.deposit_points * G_PER_KG + counted_g * rate.kg_points
    return thousandths * times_pct // (G_PER_KG * PER_CENT)


def _nothing(d: RewardDeposit, why: EarningWhy, **values: int | str) -> Earned:
    return Earned(d, 0, (Reason(why, values),))
