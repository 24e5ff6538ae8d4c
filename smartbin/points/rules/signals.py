"""What looks wrong about deposits: reported to the office, never punished by itself.

A signal is a question to a person, with the evidence it rests on: a family with two cards, a
compacting bin or a night shift may be the answer. What each looks for: docs/points.md.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from smartbin.core import calendar
from smartbin.core.calendar import US_PER_HOUR, US_PER_S
from smartbin.facts.events import Category, DoorKey, LevelReading
from smartbin.points.rules.earning import RewardDeposit
from smartbin.points.rules.words import CATEGORY, Texts, kg


class SignalKind(StrEnum):
    """What looks wrong."""

    TWO_PLACES = "two_places"
    SPLITTING = "splitting"
    WEIGHT_UNSEEN = "weight_unseen"
    WEIGHT_VOLUME = "weight_volume"
    NIGHT_BURST = "night_burst"


class Carried(NamedTuple):
    """A deposit, the card that was shown, and whose it was on that day (None: nobody's); its
    volume where the box measures it.
    """

    card: str
    account: str | None
    deposit: RewardDeposit
    volume_ml: int | None = None


# From the lightest to the heaviest that a bag of it can be, grams a litre. Ours, and wide: bags
# hold air and sensors are rough. Kitchen: leaves and shells; soaked and pressed, more than water.
# Recyclable: foam and empty bottles; glass and stacks of wet paper. Hazardous: tubes and empty
# spray cans; batteries. Residual: tissues and nappies; ash and broken crockery.
_DENSITIES_G_L = MappingProxyType(
    {
        Category.KITCHEN: (100, 1_200),
        Category.RECYCLABLE: (5, 1_500),
        Category.HAZARDOUS: (20, 3_000),
        Category.RESIDUAL: (10, 1_500),
    }
)


@dataclass(frozen=True, slots=True)
class SignalLimits:
    """From where on something looks wrong. All are ours: no source gives them.

    apart_m, speed_m_s   two bins at least so far apart, one card at both, faster than that: 3 m/s
                         is a runner without a bag
    bags, bags_s         this many deposits of one category by one account, each less than bags_s
                         after the one before
    night_from_h, night_to_h, night_deposits
                         this many deposits of one card within an hour of the night
    density_g_l          no waste is heavier: a litre of water
    unseen_pct           the level rose by so much less than the weight must have raised it
    emptied_pct          a level that falls by more was emptied or compacted: weighing starts anew
    share_pct            an account is named when so much of an unseen weight is its own
    volume_from_g        a deposit that weighs less is too little to be measured well
    densities_g_l        by category the lightest and the heaviest that its waste can be
    """

    apart_m: int = 300
    speed_m_s: int = 3
    bags: int = 4
    bags_s: int = 900
    night_from_h: int = 23
    night_to_h: int = 5
    night_deposits: int = 5
    density_g_l: int = 1000
    unseen_pct: int = 10
    emptied_pct: int = 5
    share_pct: int = 50
    volume_from_g: int = 500
    densities_g_l: Mapping[Category, tuple[int, int]] = field(
        default_factory=lambda: _DENSITIES_G_L
    )


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that looks wrong: whose (account codes, or the card's where it is nobody's; none
    when nobody stands out), when it began, and the evidence in numbers and in a sentence.
    """

    kind: SignalKind
    accounts: tuple[str, ...]
    at_us: int
    evidence: Mapping[str, int | str]
    text: Texts


def signals(
    carried: Iterable[Carried],
    places: Mapping[str, tuple[int, int]],
    capacities_l: Mapping[DoorKey, int],
    levels: Mapping[DoorKey, Sequence[LevelReading]],
    zone: ZoneInfo,
    limits: SignalLimits = SignalLimits(),
) -> list[Signal]:
    """Everything that looks wrong among these deposits, oldest first; their order is free.

    ``places`` are the devices' x and y in metres, ``levels`` the readings of the doors to weigh
    against (a door without readings is not looked at).
    """
    ordered = sorted(set(carried), key=_order)
    found = [
        *_two_places(ordered, places, limits),
        *_splitting(ordered, limits),
        *_night_bursts(ordered, zone, limits),
        *_unseen(ordered, capacities_l, levels, limits),
        *_volumes(ordered, limits),
    ]
    return sorted(found, key=lambda s: (s.at_us, s.kind, s.accounts))


def _order(c: Carried) -> tuple[int, str, str, str]:
    return (c.deposit.at_us, c.deposit.device, c.deposit.door, c.card)


def _who(c: Carried) -> str:
    return c.account or c.card


def _two_places(
    ordered: Sequence[Carried], places: Mapping[str, tuple[int, int]], limits: SignalLimits
) -> Iterator[Signal]:
    last: dict[str, Carried] = {}
    for now in ordered:
        before, last[now.card] = last.get(now.card), now
        if before is None:
            continue
        a, b = places.get(before.deposit.device), places.get(now.deposit.device)
        if a is None or b is None:
            continue
        apart_m = int(math.dist(a, b))
        wait_us = now.deposit.at_us - before.deposit.at_us
        if apart_m < limits.apart_m or apart_m * US_PER_S <= limits.speed_m_s * wait_us:
            continue
        wait_s = wait_us // US_PER_S
        devices = {"from": before.deposit.device, "to": now.deposit.device}
        yield Signal(
            SignalKind.TWO_PLACES,
            (_who(now),),
            before.deposit.at_us,
            {"card": now.card, **devices, "apart_m": apart_m, "wait_s": wait_s},
            Texts(
                f"同一张卡 {wait_s} 秒内先后在 {devices['from']} 和 {devices['to']} 投放，"
                f"两处相距 {apart_m} 米。",
                f"One card was used at {devices['from']} and {wait_s} s later at {devices['to']}, "
                f"{apart_m} m away.",
            ),
        )


def _splitting(ordered: Sequence[Carried], limits: SignalLimits) -> Iterator[Signal]:
    by_kind: dict[tuple[str, Category], list[Carried]] = defaultdict(list)
    for c in ordered:
        if c.deposit.category is not None:
            by_kind[_who(c), c.deposit.category].append(c)
    for (who, category), own in sorted(by_kind.items()):
        for run in _runs(own, limits.bags_s * US_PER_S):
            if len(run) < limits.bags:
                continue
            weight_g = sum(c.deposit.weight_g for c in run)
            first_us = run[0].deposit.at_us
            minutes = -(-(run[-1].deposit.at_us - first_us) // (60 * US_PER_S))
            what = CATEGORY[category]
            yield Signal(
                SignalKind.SPLITTING,
                (who,),
                first_us,
                {"category": category, "deposits": len(run), "weight_g": weight_g},
                Texts(
                    f"{minutes} 分钟内投放{what.zh} {len(run)} 次，共 {kg(weight_g)} 公斤，"
                    "可能把一袋拆成多次。",
                    f"{len(run)} deposits of {what.en} within {minutes} min, {kg(weight_g)} kg in "
                    "all: perhaps one bag split into many.",
                ),
            )


def _runs(own: Sequence[Carried], gap_us: int) -> Iterator[list[Carried]]:
    run: list[Carried] = []
    for c in own:
        if run and c.deposit.at_us - run[-1].deposit.at_us >= gap_us:
            yield run
            run = []
        run.append(c)
    yield run


def _night_bursts(
    ordered: Sequence[Carried], zone: ZoneInfo, limits: SignalLimits
) -> Iterator[Signal]:
    by_card: dict[str, list[Carried]] = defaultdict(list)
    for c in ordered:
        hour = calendar.from_us(c.deposit.at_us, zone).hour
        if hour >= limits.night_from_h or hour < limits.night_to_h:
            by_card[c.card].append(c)
    for card, own in sorted(by_card.items()):
        done_us = -US_PER_HOUR
        for first in own:
            start_us = first.deposit.at_us
            if start_us < done_us + US_PER_HOUR:
                continue
            burst = [c for c in own if start_us <= c.deposit.at_us < start_us + US_PER_HOUR]
            if len(burst) < limits.night_deposits:
                continue
            done_us = start_us
            begun = calendar.from_us(start_us, zone).strftime("%H:%M")
            yield Signal(
                SignalKind.NIGHT_BURST,
                (_who(first),),
                start_us,
                {"card": card, "deposits": len(burst)},
                Texts(
                    f"夜间 {begun} 起一小时内同一张卡投放 {len(burst)} 次。",
                    f"{len(burst)} deposits with one card within the hour from {begun} at night.",
                ),
            )


class _Level(NamedTuple):
    """How full a door was measured to be, and when."""

    at_us: int
    pct: int


def _unseen(
    ordered: Sequence[Carried],
    capacities_l: Mapping[DoorKey, int],
    levels: Mapping[DoorKey, Sequence[LevelReading]],
    limits: SignalLimits,
) -> Iterator[Signal]:
    by_door: dict[DoorKey, list[Carried]] = defaultdict(list)
    for c in ordered:
        by_door[DoorKey(c.deposit.device, c.deposit.door)].append(c)
    for key, own in sorted(by_door.items()):
        if key not in capacities_l:
            continue
        for first, last in _fillings(levels.get(key, ()), limits.emptied_pct):
            between = [c for c in own if first.at_us < c.deposit.at_us <= last.at_us]
            if seen := _unseen_in(key, between, first, last, capacities_l[key], limits):
                yield seen


def _fillings(
    readings: Sequence[LevelReading], emptied_pct: int
) -> Iterator[tuple[_Level, _Level]]:
    """First and last level of each stretch in which a door was only filled."""
    ordered = sorted(readings, key=lambda r: r.at_us)
    levels = [_Level(r.at_us, r.level_pct) for r in ordered if r.level_pct is not None]
    if not levels:
        return
    first = levels[0]
    for before, now in pairwise(levels):
        if now.pct < before.pct - emptied_pct:
            yield first, before
            first = now
    yield first, levels[-1]


def _unseen_in(
    key: DoorKey,
    own: Sequence[Carried],
    first: _Level,
    last: _Level,
    capacity_l: int,
    limits: SignalLimits,
) -> Signal | None:
    weight_g = sum(c.deposit.weight_g for c in own)
    # Rounded down: what the weight raised the level by at the very least.
    least_pct = weight_g * 100 // (limits.density_g_l * capacity_l)
    rose_pct = last.pct - first.pct
    if least_pct - rose_pct < limits.unseen_pct:
        return None
    each: dict[str, int] = defaultdict(int)
    for c in own:
        each[_who(c)] += c.deposit.weight_g
    whose = tuple(sorted(w for w, g in each.items() if g * 100 >= weight_g * limits.share_pct))
    evidence = {"weight_g": weight_g, "least_pct": least_pct, "rose_pct": rose_pct}
    return Signal(
        SignalKind.WEIGHT_UNSEEN,
        whose,
        first.at_us,
        {"device": key.device, "door": key.door, **evidence},
        Texts(
            f"{key.device} {key.door} 投口记录投放 {kg(weight_g)} 公斤，满溢度至少应上升 "
            f"{least_pct}%，传感器只见 {rose_pct}%。",
            f"{key.device} {key.door} was given {kg(weight_g)} kg, which must raise its level by "
            f"{least_pct} %; the sensor saw {rose_pct} %.",
        ),
    )


def _volumes(ordered: Sequence[Carried], limits: SignalLimits) -> Iterator[Signal]:
    for c in ordered:
        d = c.deposit
        if not c.volume_ml or d.category is None or d.weight_g < limits.volume_from_g:
            continue
        lightest, heaviest = limits.densities_g_l[d.category]
        if lightest * c.volume_ml <= d.weight_g * 1000 <= heaviest * c.volume_ml:
            continue
        density_g_l = d.weight_g * 1000 // c.volume_ml
        what = CATEGORY[d.category]
        yield Signal(
            SignalKind.WEIGHT_VOLUME,
            (_who(c),),
            d.at_us,
            {
                **{"device": d.device, "door": d.door, "category": d.category},
                **{"weight_g": d.weight_g, "volume_ml": c.volume_ml, "density_g_l": density_g_l},
            },
            Texts(
                f"{d.device} {d.door} 投口一次投放{what.zh} {kg(d.weight_g)} 公斤，测得体积 "
                f"{c.volume_ml} 毫升，即每升 {density_g_l} 克；{what.zh}每升应为 {lightest} 至 "
                f"{heaviest} 克。",
                f"{d.device} {d.door} was given {kg(d.weight_g)} kg of {what.en} in "
                f"{c.volume_ml} ml: {density_g_l} g/l, where {what.en} has {lightest} to "
                f"{heaviest} g/l.",
            ),
        )
