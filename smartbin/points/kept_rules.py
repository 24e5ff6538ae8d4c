"""What points follow from besides facts: the tariff, and what each door took in which community.

It is kept as it was when last settled by. So a correction marks, by itself, the days it concerns;
and a program that was started with older rules does not settle them back.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, literal, select

from smartbin.core.calendar import Days, differing
from smartbin.core.errors import StoreUnavailable
from smartbin.deposit_lines.tables import deposit_line, unsettled
from smartbin.places import Registry
from smartbin.points.rules.tariff import Tariffs
from smartbin.points.tables import points_rules

_TARIFF = ""  # beside the devices' names: what holds everywhere
_PLAIN = {"name_zh", "name_en", "first", "last"}  # of a campaign: changes no point


class RuleChange(NamedTuple):
    """Days whose points may change, everywhere or at one device."""

    device: str | None
    days: Days


def stated(registry: Registry, tariffs: Tariffs) -> str:
    """The rules as they are kept: by device (and for all) what holds from when to when."""
    spans: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for days, rules in _of_tariffs(tariffs):
        spans[_TARIFF].append((*_said(days), rules))
    for device in registry.devices:
        for door in registry.doors_of_device(device):
            spans[device].append((*_said(door.days), f"{door.id}: {door.category}"))
        for home in registry.homes_of(device):
            spans[device].append((*_said(home.days), f"in {home.group}"))
    return json.dumps(spans, ensure_ascii=False, sort_keys=True)


def changes(before: str, now: str) -> list[RuleChange]:
    """The days on which not the same holds."""
    then, later = _spans(before), _spans(now)
    return [
        RuleChange(name or None, days)
        for name in sorted(then.keys() | later.keys())
        for days in differing(then.get(name, ()), later.get(name, ()))
    ]


def follow(db: Connection, rules: str, now_us: int) -> int:
    """Make these the rules that points follow, and mark what a change of them concerns; answers
    the number under which they are kept. The first ones mark nothing.
    """
    kept = select(points_rules).order_by(points_rules.c.id.desc()).limit(1)
    known = db.execute(kept).first()
    if known is not None and known.rules == rules:
        return int(known.id)
    if known is not None:
        for change in changes(known.rules, rules):
            why = "tariff" if change.device is None else "registry"
            mark_days(db, change.days, why, change.device)
    row = {"since_us": now_us, "rules": rules}
    return int(
        db.execute(insert(points_rules).values(row).returning(points_rules.c.id)).scalar_one()
    )


def refuse_older(db: Connection, number: int) -> None:
    """Raise StoreUnavailable when points follow newer rules than those kept under ``number``."""
    newest = db.execute(select(func.max(points_rules.c.id))).scalar()
    if newest is not None and newest > number:
        raise StoreUnavailable(
            "records: points are settled by another tariff or registry than this program was "
            "started with; restart it with the files in force"
        )


def mark_days(db: Connection, days: Days, why: str, device: str | None = None) -> int:
    """Mark every card-day of these days that has deposits; answers how many."""
    line = deposit_line.c
    found = select(line.card, line.day, literal(why)).distinct()
    found = found.where(line.day.between(days.first.toordinal(), days.last.toordinal()))
    if device is not None:
        found = found.where(line.device == device)
    marks = insert(unsettled).from_select(["card", "day", "why"], found).inline()
    return db.execute(marks, execution_options={"preserve_rowcount": True}).rowcount


def _of_tariffs(tariffs: Tariffs) -> Iterator[tuple[Days, str]]:
    for n, tariff in enumerate(tariffs.all):
        following = tariffs.all[n + 1 : n + 2]
        last = following[0].first - timedelta(days=1) if following else date.max
        rules = tariff.model_dump(mode="json", include={"household", "enterprise"})
        yield Days(tariff.first, last), json.dumps(rules, sort_keys=True)
    for campaign in tariffs.campaigns:
        adds = campaign.model_dump(mode="json", exclude=_PLAIN)
        yield campaign.days, json.dumps(adds, sort_keys=True)


def _said(days: Days) -> tuple[str, str]:
    return days.first.isoformat(), days.last.isoformat()


def _spans(rules: str) -> Mapping[str, Sequence[tuple[Days, str]]]:
    kept: dict[str, list[Any]] = json.loads(rules)
    return {
        name: [
            (Days(date.fromisoformat(first), date.fromisoformat(last)), value)
            for first, last, value in spans
        ]
        for name, spans in kept.items()
    }
