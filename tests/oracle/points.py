"""Points once more, by a straightforward implementation written from docs/points.md alone.

It shares no code and no shape with ``smartbin.points``: plain dicts as TOML and JSON have them,
fractions instead of scaled integers, every rule asked anew over all deposits so far instead of
running counters. Slow, and meant to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
_RANKS = {"camera": 1, "supervisor": 2, "inspector": 3}


class Outcome(NamedTuple):
    """What one deposit earned and the reasons' words."""

    row: Row
    day: date
    points: int
    words: list[str]


def oracle(
    deposits: Iterable[Row],
    accounts: Mapping[str, Row],
    tariff: Row,
    verdicts: Iterable[Row] = (),
    zone: str = "Asia/Shanghai",
    decisions: Sequence[Row] = (),
) -> dict[str, int]:
    """``{account: points}`` earned by all deposits, expiry and spending left aside.

    deposits   {"device", "door", "at_us", "card", "category", "weight_g"} and, where they have
               them, "verdict", "judge", "item", "community" (of the bin)
    accounts   {code: {"kind", "cards": [{"card", "from": date, "to": date or None}]}}
    tariff     the TOML file as tomllib reads it
    verdicts   people's: {"device", "door", "at_us", "verdict", "judge", "judged_at_us"}
    decisions  the office's, oldest first: {"device", "from": date, "to": date, "arrived_us",
               "state": "released" or "rejected"}; a deposit may say its "arrived_us"
    """
    outcomes = explain(deposits, accounts, tariff, verdicts, zone, decisions)
    return {code: sum(o.points for o in outcomes[code]) for code in accounts}


def explain(
    deposits: Iterable[Row],
    accounts: Mapping[str, Row],
    tariff: Row,
    verdicts: Iterable[Row] = (),
    zone: str = "Asia/Shanghai",
    decisions: Sequence[Row] = (),
) -> dict[str, list[Outcome]]:
    """The same, deposit by deposit, in the order of events."""
    where = ZoneInfo(zone)
    once: dict[tuple[int, str, str], Row] = {}
    for row in deposits:
        once.setdefault(_name(row), row)
    said: dict[tuple[int, str, str], list[Row]] = {}
    for verdict in verdicts:
        said.setdefault(_name(verdict), []).append(verdict)
    told: dict[str, list[Outcome]] = {code: [] for code in accounts}
    by_card: dict[str, list[tuple[date, date, str]]] = {}
    for code, account in accounts.items():
        for held in account["cards"]:
            last = held["to"] or date.max
            by_card.setdefault(held["card"], []).append((held["from"], last, code))
    for name in sorted(once):
        row = dict(once[name])
        day = _local(row["at_us"], where).date()
        row["verdict"] = _stands(row, said.get(name, []))
        row["claim"] = _claim(row, day, decisions)
        for first, last, code in by_card.get(row["card"], []):
            if first <= day <= last:
                told[code].append(_one(row, day, told[code], accounts[code]["kind"], tariff))
    return told


def expired(
    tariff: Row, given: Mapping[int, int], spent: Sequence[tuple[date, int]], today: date
) -> dict[int, int]:
    """What has expired of each year before ``today``: day by day, point by point."""
    purse = [year for year in sorted(given) for _ in range(given[year])]
    gone: dict[int, int] = {}
    ends: dict[date, list[int]] = {}
    for year in given:
        end = _end(tariff, year)
        if end is not None and end < today:
            ends.setdefault(end, []).append(year)
            gone[year] = 0
    days = sorted({day for day, _ in spent} | set(ends))
    for day in days:
        if day >= today:
            break
        for _ in range(sum(points for at, points in spent if at == day)):
            purse = purse[1:]
        for year in ends.get(day, []):
            gone[year] = purse.count(year)
            purse = [other for other in purse if other != year]
    return gone


def _name(row: Row) -> tuple[int, str, str]:
    return (row["at_us"], row["device"], row["door"])


def _local(at_us: int, where: ZoneInfo) -> datetime:
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return (start + timedelta(microseconds=at_us)).astimezone(where)


def _stands(row: Row, people: Sequence[Row]) -> str | None:
    all_said = [(0, 0, row.get("verdict"))] if row.get("verdict") else []
    rank = _RANKS.get(row.get("judge") or "", 0)
    all_said = [(rank, -1, word) for _, _, word in all_said]
    all_said += [(_RANKS[p["judge"]], p["judged_at_us"], p["verdict"]) for p in people]
    return max(all_said, key=lambda s: s[:2])[2] if all_said else None


def _claim(row: Row, day: date, decisions: Sequence[Row]) -> str:
    arrived_us = row.get("arrived_us", row["at_us"])
    said = [
        d["state"]
        for d in decisions
        if d["device"] == row["device"] and d["from"] <= day <= d["to"]
        if arrived_us <= d["arrived_us"]
    ]
    if said:
        return str(said[-1])
    return "held" if Fraction(arrived_us - row["at_us"], 1_000_000) > 7 * 86_400 else "counted"


def _one(row: Row, day: date, before: Sequence[Outcome], kind: str, tariff: Row) -> Outcome:
    rules = _in_force(tariff, day).get(kind)
    if rules is None:
        return Outcome(row, day, 0, ["no_tariff"])
    if row["category"] is None:
        return Outcome(row, day, 0, ["unknown_door"])
    rate = rules.get(row["category"])
    if rate is None:
        return Outcome(row, day, 0, ["not_rewarded"])
    monday = day - timedelta(days=day.isoweekday() - 1)
    week = [o for o in before if o.day >= monday]
    same = [o for o in week if o.row["category"] == row["category"] and o.points > 0]
    earned = sum(o.points for o in week)
    points, words = _sum(row, day, kind, rate, tariff)
    with_card = [o for o in before if o.day == day and o.row["card"] == row["card"] and o.points]
    obstacles = {
        "held": row["claim"] == "held",
        "rejected": row["claim"] == "rejected",
        "misjudged": row["verdict"] == "incorrect",
        "too_light": row["weight_g"] < rate.get("weight_min_g", 200),
        "card_day_max": len(with_card) >= rules.get("card_day_max", len(with_card) + 1),
        "day_max": "day_max" in rate and len([o for o in same if o.day == day]) >= rate["day_max"],
        "too_soon": any(
            Fraction(row["at_us"] - o.row["at_us"], 1_000_000) < rules.get("pause_s", 600)
            for o in same
        ),
        "week_max": earned >= rules["week_max_points"],
        "under_one_point": points < 1,
    }
    for word, stands_in_the_way in obstacles.items():
        if stands_in_the_way:
            return Outcome(row, day, 0, [word])
    if earned + points > rules["week_max_points"]:
        points = rules["week_max_points"] - earned
        words = [*words, "week_max"]
    return Outcome(row, day, points, words)


def _sum(row: Row, day: date, kind: str, rate: Row, tariff: Row) -> tuple[int, list[str]]:
    heavy = row["weight_g"] > rate.get("weight_max_g", 10_000)
    counted_kg = Fraction(min(row["weight_g"], rate.get("weight_max_g", 10_000)), 1000)
    plain = rate["deposit_points"] + counted_kg * rate["kg_points"]
    offers = [
        floor(plain * Fraction(c.get("times_pct", 100), 100)) + c.get("extra_points", 0)
        for c in tariff.get("campaign", [])
        if _takes_part(c, row, day, kind)
    ]
    words = ["earned"] + ["weight_max"] * heavy
    if offers and max(offers) > floor(plain):
        return max(offers), [*words, "campaign"]
    return floor(plain), words


def _takes_part(campaign: Row, row: Row, day: date, kind: str) -> bool:
    asked = {
        "kinds": kind,
        "categories": row["category"],
        "items": row.get("item"),
        "communities": row.get("community"),
    }
    fits = all(not campaign.get(list_) or has in campaign[list_] for list_, has in asked.items())
    return fits and campaign["from"] <= day <= campaign["to"]


def _in_force(tariff: Row, day: date) -> Row:
    begun = [t for t in tariff["tariff"] if t["from"] <= day]
    return max(begun, key=lambda t: t["from"]) if begun else {}


def _end(tariff: Row, year: int) -> date | None:
    months = _in_force(tariff, date(year, 12, 31)).get("expiry_months")
    if months is None:
        return None
    day = date(year, 12, 31)
    for _ in range(months):  # the last day of the next month
        first_of_next_but_one = (day + timedelta(days=1)).replace(day=28) + timedelta(days=4)
        day = first_of_next_but_one.replace(day=1) - timedelta(days=1)
    return day
