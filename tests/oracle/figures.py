"""Sorting figures once more, by a straightforward implementation written from docs/statistics.md
and the registry's tables alone.

It shares no code with ``smartbin``: it reads the tables itself, keeps every deposit, asks every
question anew over all of them, and finds Wilson's bounds as the roots of the equation they solve.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
Rate = tuple[float, float, float, int]  # value, low, high, n
KINDS = ("kitchen", "recyclable", "hazardous", "residual")
FOCUS = ("goods_packaging", "disposable_tableware", "express_packaging")
_RANKS = {"camera": 1, "supervisor": 2, "inspector": 3}
_Z = NormalDist().inv_cdf(0.975)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Site:
    """The registry's tables as they stand on the disk."""

    def __init__(self, folder: Path) -> None:
        self.zone = ZoneInfo(_table(folder, "site")[0]["zone"])
        self.households = {r["id"]: int(r["households"]) for r in _table(folder, "communities")}
        self.bins = [r for r in _table(folder, "devices") if r["kind"] == "bin"]
        self._doors = _table(folder, "doors")
        self._memberships = _table(folder, "memberships")
        toml = (folder / "statistics.toml").read_text(encoding="utf-8")
        self.limits = tomllib.loads(toml)["sufficient"]
        self._categories: dict[tuple[str, str, date], str | None] = {}
        self._communities: dict[tuple[str, date], str | None] = {}

    def local(self, at_us: int) -> datetime:
        """The site's time of an instant."""
        return (_EPOCH + timedelta(microseconds=at_us)).astimezone(self.zone)

    def category(self, device: str, door: str, day: date) -> str | None:
        """What a door took on a day."""
        key = (device, door, day)
        if key not in self._categories:
            own = [r for r in self._doors if (r["device"], r["door"]) == key[:2] and _on(r, day)]
            self._categories[key] = own[0]["category"] if own else None
        return self._categories[key]

    def community(self, device: str, day: date) -> str | None:
        """Whose bin it was on a day."""
        key = (device, day)
        if key not in self._communities:
            own = [r for r in self._memberships if r["bin"] == device and _on(r, day)]
            self._communities[key] = own[0]["community"] if own else None
        return self._communities[key]

    def bins_of(self, community: str, day: date) -> list[str]:
        """The bins a community had in service on a day."""
        serving = [r["id"] for r in self.bins if _on(r, day)]
        return [id for id in serving if self.community(id, day) == community]


@dataclass(frozen=True, eq=False)
class Facts:
    """What happened in some days. ``deposits`` as ``tests.oracle.points`` takes them, each once;
    ``messages`` of a device and hour are the counters it stated; ``accounts`` and ``verdicts`` as
    there, each card with its ``community``.
    """

    site: Site
    days: Sequence[date]
    deposits: Sequence[Row]
    messages: Mapping[tuple[str, date, int], set[int]]
    accounts: Mapping[str, Row]
    verdicts: Iterable[Row] = ()

    @cached_property
    def said(self) -> Mapping[tuple[str, str, int], list[Row]]:
        """People's verdicts by deposit."""
        found: dict[tuple[str, str, int], list[Row]] = {}
        for v in self.verdicts:
            found.setdefault((v["device"], v["door"], v["at_us"]), []).append(v)
        return found

    @cached_property
    def placed(self) -> Mapping[str, Mapping[date, list[Row]]]:
        """The deposits at the bins of each community, by day."""
        found: dict[str, dict[date, list[Row]]] = {
            c: {day: [] for day in self.days} for c in self.site.households
        }
        for row in self.deposits:
            day = self.site.local(row["at_us"]).date()
            community = self.site.community(row["device"], day)
            if community is not None and row["device"] in self.site.bins_of(community, day):
                found[community][day].append(row)
        return found

    @cached_property
    def holders(self) -> Mapping[str, list[tuple[date, date, str, str]]]:
        """Of each card from when to when, whose it was and where they lived."""
        found: dict[str, list[tuple[date, date, str, str]]] = {}
        for code, account in self.accounts.items():
            for held in account["cards"]:
                span = (held["from"], held["to"] or date.max, code, held["community"])
                found.setdefault(held["card"], []).append(span)
        return found

    @cached_property
    def took_part(self) -> Mapping[str, Mapping[str, set[date]]]:
        """On which days a household of each community made a valid deposit, anywhere."""
        found: dict[str, dict[str, set[date]]] = {c: {} for c in self.site.households}
        for row in self.deposits:
            if row["weight_g"] < self.site.limits["valid_weight_g"]:
                continue
            if self.stands(row) == "incorrect":
                continue
            day = self.site.local(row["at_us"]).date()
            holder = self.holder(row["card"], day)
            if holder and self.accounts[holder[0]]["kind"] == "household":
                found[holder[1]].setdefault(holder[0], set()).add(day)
        return found

    def holder(self, card: str | None, day: date) -> tuple[str, str] | None:
        """Account and community of a card on a day."""
        for first, last, code, community in self.holders.get(card or "", ()):
            if first <= day <= last:
                return code, community
        return None

    def stands(self, row: Row) -> str | None:
        """The verdict that counts: the highest office's, of equals the newest."""
        said = [(_RANKS[row["judge"]], 0, row["verdict"])] if row["verdict"] else []
        people = self.said.get((row["device"], row["door"], row["at_us"]), ())
        said += [(_RANKS[p["judge"]], p["judged_at_us"], p["verdict"]) for p in people]
        return max(said)[2] if said else None


def figures(facts: Facts, community: str, days: Sequence[date]) -> dict[str, Any]:
    """What may be said of a community's days."""
    rows = [row for day in days for row in facts.placed[community][day]]
    heard, expected = device_hours(facts, community, days)
    spoken = not expected or heard / expected >= facts.site.limits["completeness_min"]
    by_kind: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for row in rows:
        kind = facts.site.category(
            row["device"], row["door"], facts.site.local(row["at_us"]).date()
        )
        if kind is not None:
            by_kind[kind].append(row)
    every = [row for kind in KINDS for row in by_kind[kind]]
    grams = {kind: sum(row["weight_g"] for row in by_kind[kind]) for kind in KINDS}
    whole = sum(grams.values())
    return {
        **_counts(facts, every),
        "accuracy": _accuracy(facts, every) if spoken else None,
        "completeness": heard / expected if expected else None,
        "kitchen_separation": _part(grams["kitchen"], grams["kitchen"] + grams["residual"], spoken),
        "kitchen_of_all": _part(grams["kitchen"], whole, spoken),
        "diversion": _part(grams["kitchen"] + grams["recyclable"], whole, spoken),
        "by_category": {
            kind: {
                **_counts(facts, by_kind[kind]),
                "share": _part(grams[kind], whole, spoken),
                "accuracy": _accuracy(facts, by_kind[kind]) if spoken else None,
            }
            for kind in KINDS
        },
    }


def focus(facts: Facts, community: str) -> dict[str, tuple[int, int, float | None]]:
    """Deposits, weight and share of recyclables of the plan's three streams."""
    days = facts.placed[community]
    rows = [
        row
        for day in days
        for row in days[day]
        if facts.site.category(row["device"], row["door"], day) == "recyclable"
    ]
    whole = sum(row["weight_g"] for row in rows)
    heard, expected = device_hours(facts, community, facts.days)
    spoken = not expected or heard / expected >= facts.site.limits["completeness_min"]
    found = {}
    for item in FOCUS:
        own = [row["weight_g"] for row in rows if row["item"] == item]
        found[item] = (len(own), sum(own), _part(sum(own), whole, spoken))
    return found


def participation(facts: Facts, community: str) -> dict[str, Any]:
    """Households that took part, of those that live there; whose cards the bins' deposits name."""
    last, first = facts.days[-1], facts.days[0]
    known = {
        code
        for code, account in facts.accounts.items()
        if account["kind"] == "household"
        for held in account["cards"]
        if held["community"] == community
        if held["from"] <= last and (held["to"] or date.max) >= first
    }
    took_part = facts.took_part[community]
    households = max(facts.site.households[community], len(known))
    often = [c for c, days in took_part.items() if len(days) >= facts.site.limits["days_min"]]
    by = {"households": 0, "enterprises": 0, "unknown_card": 0, "without_account": 0}
    for day, rows in facts.placed[community].items():
        for row in rows:
            holder = facts.holder(row["card"], day)
            if row["card"] is None:
                by["without_account"] += 1
            elif holder is None:
                by["unknown_card"] += 1
            else:
                by[f"{facts.accounts[holder[0]]['kind']}s"] += 1
    return {
        "households": households,
        "accounts": len(known),
        "took_part": len(took_part),
        "regular": len(often),
        "participation": wilson(len(took_part), households),
        "regular_participation": wilson(len(often), households),
        "deposits": {**by, "total": sum(by.values())},
    }


def missing_messages(facts: Facts, community: str) -> int:
    """Numbers that a bin's counter passed over, and that nobody heard: from the first number of
    its days in the community to the last. (These counters never fall.)
    """
    heard: dict[str, set[int]] = {}
    for device, day, hour in facts.messages:
        if device in facts.site.bins_of(community, day) and day in facts.days:
            heard.setdefault(device, set()).update(facts.messages[device, day, hour])
    return sum(max(own) - min(own) + 1 - len(own) for own in heard.values())


def device_hours(facts: Facts, community: str, days: Sequence[date]) -> tuple[int, int]:
    """Hours in which a bin said something, and all hours (of a zone without summer time)."""
    hours = [(d, day, h) for day in days for d in facts.site.bins_of(community, day)
             for h in range(24)]  # fmt: skip
    return sum(bool(facts.messages.get(hour)) for hour in hours), len(hours)


def ranks(rates: Mapping[str, Rate]) -> dict[str, int]:
    """Places by the lower bound; who reaches the lower bound of a group's first shares its rank."""
    waiting = sorted(rates, key=lambda c: (-rates[c][1], c))
    found: dict[str, int] = {}
    while waiting:
        best = rates[waiting[0]][1]
        group = [waiting[0]]
        for community in waiting[1:]:
            if rates[community][2] < best:
                break
            group.append(community)
        rank = len(found) + 1
        found.update(dict.fromkeys(group, rank))
        waiting = waiting[len(group) :]
    return found


def wilson(count: int, n: int) -> Rate:
    """The rate, and the two p for which it lies z standard deviations off: the roots of
    (rate - p)^2 = z^2 p (1 - p) / n.
    """
    rate, c = count / n, _Z**2 / n
    a, b = 1 + c, -(2 * rate + c)
    root = sqrt(max(0.0, b * b - 4 * a * rate * rate))
    return rate, (-b - root) / (2 * a), (-b + root) / (2 * a), n


def _counts(facts: Facts, rows: Sequence[Row]) -> dict[str, int]:
    said = [facts.stands(row) for row in rows]
    return {
        "deposits": len(rows),
        "weight_g": sum(row["weight_g"] for row in rows),
        "judged": sum(verdict is not None for verdict in said),
        "correct": said.count("correct"),
    }


def _accuracy(facts: Facts, rows: Sequence[Row]) -> Rate | None:
    counts = _counts(facts, rows)
    enough = counts["judged"] >= facts.site.limits["judged_min"]
    return wilson(counts["correct"], counts["judged"]) if enough else None


def _part(grams: int, whole: int, spoken: bool) -> float | None:
    return grams / whole if spoken and whole else None


def _table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _on(row: Mapping[str, str], day: date) -> bool:
    last = date.fromisoformat(row["to"]) if row["to"] else date.max
    return date.fromisoformat(row["from"]) <= day <= last
