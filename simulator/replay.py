"""Replays real history: a CSV of emptyings becomes collection messages, and the site they need.

Each row is one emptying: device, time, weight. Replaying is repeatable: a message's counter is its
row's rank among the device's rows, so the same file always states the same facts.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulator.broker import BrokerConnection
from simulator.run import buffered, progress
from smartbin.core import calendar
from smartbin.core.errors import BadInput
from smartbin.facts import wire
from smartbin.facts.events import Category, Collection, Fact, LevelReading, at_us

MISTAKES_SHOWN = 20
_ID = re.compile(r"[a-z0-9-]{1,32}")
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RecordedEmptying:
    """One row of the file."""

    line: int
    device: str
    place: str
    at: datetime
    weight_g: int
    level_pct: int | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; ``level`` and ``place`` may be left out ("")."""

    time: str
    device: str
    weight: str
    weight_unit: str
    level: str
    place: str


def add_replay(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--time", default="collected_at", help="column: when it was emptied")
    parser.add_argument("--device", default="device", help="column: which bin")
    parser.add_argument("--weight", default="weight_g", help="column: how much was taken")
    parser.add_argument("--weight-unit", choices=["g", "kg"], default="g")
    parser.add_argument("--level", default="", help="column: percent full before (optional)")
    parser.add_argument("--place", default="", help="column: the bin's name (optional)")
    parser.add_argument("--zone", default="", help="the file's zone, where times have no offset")
    parser.add_argument(
        "--shift-days",
        type=_days,
        default=0,
        help="move every time by whole days: a gateway takes nothing before 2020",
    )
    parser.add_argument("--category", choices=[c.value for c in Category], default="residual")
    parser.add_argument("--site-id", type=_site_id, default="replay", help="default replay")
    parser.add_argument(
        "--make-site",
        type=Path,
        metavar="DIR",
        help="write the site folder that the file needs, and end",
    )


def _days(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of days; write 364")
    return int(text)


def _site_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is not an id; use 1 to 32 of a-z, 0-9 and '-'"
        )
    return text


def replay(args: argparse.Namespace, broker: Callable[[], BrokerConnection]) -> int:
    """Publish the file, or write its site."""
    columns = Columns(args.time, args.device, args.weight, args.weight_unit, args.level, args.place)
    zone = _zone(args.zone) if args.zone else None
    emptyings = read(args.file, columns, zone, args.shift_days)
    if args.make_site:
        make_site(args.make_site, args.site_id, args.zone or "UTC", args.category, emptyings)
        devices = len({e.device for e in emptyings})
        print(f"{args.make_site}: {devices} devices; set SMARTBIN_SITE to it", file=sys.stderr)
        return 0
    with ExitStack() as stack:
        publisher = stack.enter_context(buffered(broker(), {e.device for e in emptyings}))
        advance = stack.enter_context(progress("重放 replay", len(emptyings)))
        for device, said in messages(emptyings, args.category):
            kind = wire.kind_of(said)
            topic = wire.topic_of(args.site_id, device, kind)
            publisher.publish(topic, wire.payload_of(wire.event_of(said)))
            advance(1 if kind == "collection" else 0)
        publisher.drain()
    total_g = sum(e.weight_g for e in emptyings)
    print(f"{len(emptyings)} emptyings, {total_g} g, all acknowledged", file=sys.stderr)
    return 0


def read(
    path: Path, columns: Columns, zone: ZoneInfo | None, shift_days: int
) -> list[RecordedEmptying]:
    """The file's rows in time order; raises BadInput with one mistake a line."""
    mistakes: list[str] = []
    found: list[RecordedEmptying] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            _check_columns(path, columns, table.fieldnames or ())
            for row in table:
                try:
                    found.append(_emptying(table.line_num, row, columns, zone, shift_days))
                except BadInput as error:
                    mistakes.append(f"{path}:{table.line_num}: {error}")
                    if len(mistakes) == MISTAKES_SHOWN:
                        mistakes.append("(and perhaps more: these come first)")
                        break
    except OSError as error:
        raise BadInput(f"FILE: cannot read {path} ({error.strerror}); name a CSV file") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8; save it as CSV UTF-8") from None
    except csv.Error as error:
        raise BadInput(f"{path}: not CSV ({error}); save it as comma-separated values") from None
    if mistakes:
        raise BadInput("\n".join(mistakes))
    if not found:
        raise BadInput(f"{path}: no rows below the header; name a file with history")
    return sorted(found, key=lambda e: (e.at, e.line))


def messages(
    emptyings: list[RecordedEmptying], door: str
) -> Iterator[tuple[str, tuple[Fact, ...]]]:
    """The messages of the rows in time order: the level before, when the file tells it, the
    collection, and the empty door.
    """
    counters: dict[str, int] = {}
    for e in emptyings:
        at_ms = calendar.to_us(e.at) // 1000
        seq = counters.get(e.device, 0)
        if e.level_pct is not None:
            full_us = at_us(at_ms - 1000, seq)
            yield e.device, (LevelReading(e.device, door, full_us, e.level_pct, None, seq),)
            seq += 1
        taken_us = at_us(at_ms, seq)
        yield e.device, (Collection(e.device, door, taken_us, e.weight_g, 0, None, seq),)
        counters[e.device] = seq + 1


def make_site(
    folder: Path, site: str, zone: str, category: str, emptyings: list[RecordedEmptying]
) -> None:
    """Write the registry of the file's bins, all in one community ``all``, and a tariff."""
    since = (min(e.at for e in emptyings).date() - timedelta(days=1)).isoformat()
    places = {e.device: e.place or e.device for e in emptyings}
    door = f"{category},{category},240,1000,0,80,95,{since},"
    count = len(places)
    tables: dict[str, list[str]] = {
        "site": [
            "id,name,zone,goal_communities,goal_bins,goal_collection_points,goal_plain_bins",
            f"{site},{site},{zone},1,{count},0,0",
        ],
        "communities": [
            "id,name,kind,grid,households,placeholder,x_m,y_m",
            "all,all,standard,grid-01,1,yes,0,0",
        ],
        "devices": ["id,kind,name,x_m,y_m,from,to"],
        "doors": [
            "device,door,category,capacity_l,depth_mm,offset_mm,full_pct,overfull_pct,from,to",
            *(f"{device},{door}" for device in sorted(places)),
        ],
        "memberships": [
            "bin,community,from,to",
            *(f"{device},all,{since}," for device in sorted(places)),
        ],
        "services": ["community,collection_point,from,to"],
        "plain_bins": ["id,community,category,capacity_l"],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in tables.items():
            with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
                file.writelines(f"{line}\r\n" for line in lines)
                if name == "devices":
                    table = csv.writer(file)
                    for device, place in sorted(places.items()):
                        table.writerow((device, "bin", place, 0, 0, since, ""))
        tariff = f"[[tariff]] # no table of rates: emptyings earn no points\nfrom = {since}\n"
        (folder / "tariff.toml").write_text(tariff, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"--make-site: cannot write {folder} ({error.strerror}); name a folder of yours"
        ) from None


def _check_columns(path: Path, columns: Columns, header: object) -> None:
    names = list(header) if isinstance(header, list) else []
    for option in ("time", "device", "weight", "level", "place"):
        wanted = getattr(columns, option)
        if wanted and wanted not in names:
            raise BadInput(
                f"--{option}: {path} has no column {wanted!r}; it has {', '.join(names) or 'none'}"
            )


def _emptying(
    line: int, row: dict[str, str | None], columns: Columns, zone: ZoneInfo | None, shift_days: int
) -> RecordedEmptying:
    def cell(name: str) -> str:
        return (row.get(name) or "").strip()

    device = cell(columns.device)
    if not _ID.fullmatch(device):
        raise BadInput(
            f"column {columns.device}: {device!r} is not an id; use 1 to 32 of a-z, 0-9 and '-'"
        )
    try:
        at = _time(cell(columns.time), columns.time, zone) + timedelta(days=shift_days)
    except OverflowError:
        said = f"column {columns.time}: --shift-days {shift_days} moves it out of the calendar"
        raise BadInput(f"{said}; shift less") from None
    if at < EARLIEST:
        raise BadInput(
            f"column {columns.time}: {at:%Y-%m-%d} lies before 2020, which a gateway refuses; "
            f"move the file with --shift-days {_shift(at)}"
        )
    level = cell(columns.level) if columns.level else ""
    return RecordedEmptying(
        line,
        device,
        cell(columns.place) if columns.place else "",
        at,
        _grams(cell(columns.weight), columns),
        _percent(level, columns.level) if level else None,
    )


def _shift(at: datetime) -> int:
    """Whole weeks, so that weekdays stay what they were, landing after 2020 began."""
    weeks = (EARLIEST.date() - at.date()).days // 7 + 1
    return weeks * 7


def _time(text: str, column: str, zone: ZoneInfo | None) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"column {column}: {text!r} is not a time; write 2026-11-01T08:00:00+08:00"
        ) from None
    if at.tzinfo is None:
        if zone is None:
            raise BadInput(f"column {column}: {text!r} has no offset; name the file's --zone")
        at = at.replace(tzinfo=zone)
    return at


def _grams(text: str, columns: Columns) -> int:
    per_unit = 1000 if columns.weight_unit == "kg" else 1
    try:
        weight_g = round(float(text) * per_unit)
    except (ValueError, OverflowError):
        raise BadInput(
            f"column {columns.weight}: {text!r} is not a weight; write a number of "
            f"{columns.weight_unit}"
        ) from None
    if not 0 <= weight_g <= 20_000_000:
        raise BadInput(f"column {columns.weight}: {text!r} lies outside 0 to 20 t; mend the row")
    return weight_g


def _percent(text: str, column: str) -> int:
    try:
        level_pct = round(float(text))
    except (ValueError, OverflowError):
        level_pct = -1
    if not 0 <= level_pct <= 100:
        raise BadInput(
            f"column {column}: {text!r} is not a level; write a percentage from 0 to 100"
        )
    return level_pct


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput(f"--zone: {name!r} is unknown; write Europe/London") from None
