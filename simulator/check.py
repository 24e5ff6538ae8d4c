"""Compares every answer of a running API with what must be."""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from simulator.expect import Expected, ExpectedFigures
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import AlarmType, Category, DoorKey
from smartbin.places import DeviceKind, Door
from smartbin.quarantine.store import Quarantine

SILENT_US = calendar.US_PER_HOUR


def compare(
    api: str, token: str, quarantine: Path, expected: Expected, days: Days
) -> tuple[list[str], int]:
    """The differences, a sentence each, and how many figures were compared."""
    check = _Check(api, token, expected, days)
    check.run()
    kept = sum(Quarantine(quarantine).counts().values())
    check.equal("quarantine: messages", kept, expected.refused)
    return check.differences, check.compared


class _Check:
    def __init__(self, api: str, token: str, expected: Expected, days: Days) -> None:
        self._api, self._token, self._expected, self._days = api, token, expected, days
        self._registry = expected.registry
        self.differences: list[str] = []
        self.compared = 0

    def run(self) -> None:
        self._site()
        figures = self._expected.communities()
        for community in self._registry.communities:
            self._sorting(community, figures.get(community, {}))
        self._sums(figures)
        self._ranking(figures)
        self._full()
        self._boards()
        for device in self._registry.devices:
            self._device(device)

    def equal(self, what: str, got: object, wanted: object) -> None:
        """Note a difference."""
        self.compared += 1
        if got != wanted:
            self.differences.append(f"{what}: {got!r}, must be {wanted!r}")

    def _get(self, path: str, **query: object) -> Any:
        data = self._ask(path, query)
        return json.loads(data) if data else {}

    def _table(self, path: str, **query: object) -> list[dict[str, str]]:
        text = self._ask(path, {**query, "format": "csv"}).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def _ask(self, path: str, query: dict[str, object]) -> bytes:
        url = f"{self._api}/api/v1/{quote(path)}?{urlencode(query)}"
        request = urllib.request.Request(  # noqa: S310 - our own API on the loopback
            url, headers={"Authorization": f"Bearer {self._token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            self.differences.append(f"{path}: answers {error.code}: {error.read(300)!r}")
        except OSError as error:
            self.differences.append(f"{path}: {error}")
        return b""

    def _window(self) -> dict[str, object]:
        return {"from": self._days.first, "to": self._days.last}

    def _site(self) -> None:
        site, devices = self._get("site"), self._registry.devices.values()
        self.equal("site: communities", site.get("communities"), len(self._registry.communities))
        bins = sum(d.kind is DeviceKind.BIN for d in devices)
        self.equal("site: bins", site.get("bins"), bins)
        self.equal("site: points", site.get("collection_points"), len(devices) - bins)
        told = {c["id"]: c["households"] for c in self._get("communities").get("communities", [])}
        wanted = {c.id: c.households for c in self._registry.communities.values()}
        self.equal("communities: households", told, wanted)

    def _sorting(self, community: str, figures: dict[str, ExpectedFigures]) -> None:
        answer = self._get(f"communities/{community}/sorting", **self._window(), every="day")
        self._figures(f"{community}: total", answer.get("total", {}), figures)
        days = {row["day"]: row for row in answer.get("days", [])}
        self.equal(f"{community}: days", len(days), len(self._days))
        for day in self._days:
            row = days.get(day.isoformat(), {})
            self._figures(f"{community}: {day}", row, self._of_day(community, day))
            if day < self._days.last:  # of a day still running the hours are still to come
                told = row.get("completeness")
                self.equal(f"{community}: {day}: heard", told, self._heard(community, day))
        table = self._table(f"communities/{community}/sorting", **self._window(), every="day")
        rows = {row["day"]: _shown(row) for row in table}
        shown = {d: _shown({k: str(v) for k, v in row.items()}) for d, row in days.items()}
        self.equal(f"{community}: CSV", rows, shown)
        items = {r["item"]: [r["deposits"], r["weight_g"]] for r in answer.get("items", [])}
        self.equal(f"{community}: items", items, self._items(community))

    def _figures(self, what: str, got: dict[str, Any], wanted: dict[str, ExpectedFigures]) -> None:
        parts = [("total", got), *got.get("by_category", {}).items()]
        self.equal(f"{what}: categories", len(parts), 1 + len(Category))
        for name, part in parts:
            told = {key: part.get(key) for key in ExpectedFigures().shown()}
            self.equal(f"{what}: {name}", told, wanted.get(name, ExpectedFigures()).shown())

    def _doors_of(self, community: str, day: date) -> Iterator[tuple[str, DoorKey]]:
        for span in self._registry.doors_of_community(community, Days(day, day)):
            yield span.door.category.value, span.door.key

    def _of_day(self, community: str, day: date) -> dict[str, ExpectedFigures]:
        found: dict[str, ExpectedFigures] = {}
        for category, door in self._doors_of(community, day):
            if figures := self._expected.days.get((door, day)):
                for name in (category, "total"):
                    found.setdefault(name, ExpectedFigures()).add(figures)
        return found

    def _items(self, community: str) -> dict[str, list[int]]:
        own = {door for _, door in self._doors_of(community, self._days.last)}
        found: dict[str, list[int]] = {}
        for (door, item), (deposits, weight_g) in self._expected.items.items():
            if door in own:
                total = found.setdefault(item.value, [0, 0])
                total[0] += deposits
                total[1] += weight_g
        return found

    def _heard(self, community: str, day: date) -> float | None:
        """The share of its devices' hours from which something was heard."""
        bins = [device.id for device, _ in self._registry.bins_of(community, Days(day, day))]
        hours = sum(len(self._expected.hours.get((device, day), ())) for device in bins)
        expected = calendar.hours_in(day, self._registry.site.zone) * len(bins)
        return hours / expected if expected else None

    def _sums(self, figures: dict[str, dict[str, ExpectedFigures]]) -> None:
        """The site, and the communities of each collection point."""
        points = [d for d in self._registry.devices.values() if d.kind is not DeviceKind.BIN]
        places = {"site/sorting": list(self._registry.communities)}
        for point in points:
            served = self._registry.communities_of(point.id, self._days)
            places[f"collection-points/{point.id}/sorting"] = [c.id for c, _ in served]
        for path, communities in places.items():
            wanted: dict[str, ExpectedFigures] = {}
            for community in communities:
                for name, part in figures.get(community, {}).items():
                    wanted.setdefault(name, ExpectedFigures()).add(part)
            answer = self._get(path, **self._window(), every="total")
            self._figures(path, answer.get("total", {}), wanted)

    def _ranking(self, figures: dict[str, dict[str, ExpectedFigures]]) -> None:
        ranks = self._get("communities/ranking", **self._window()).get("ranks", [])
        told = {r["community"]: (r["n"], round(r["value"] * r["n"])) for r in ranks}
        wanted = {c: (f["total"].judged, f["total"].correct) for c, f in figures.items()}
        self.equal("ranking: judged, correct", told, wanted)
        lows = [r["low"] for r in ranks]
        self.equal("ranking: order", lows, sorted(lows, reverse=True))

    def _full(self) -> None:
        answer = self._get("bins/full")
        if not answer:
            return
        as_of_us = _us(answer["as_of"])
        told = {(d["device"], d["door"]): (d["state"], d["level_pct"]) for d in answer["doors"]}
        burning = self._burning()
        listed = {(w["device"], w["reason"]) for w in answer["withheld"]}
        self.equal("bins/full: withheld", listed, set(burning.items()))
        wanted = {}
        off_limits = {}
        for door in self._registry.doors(self._days.last):
            if door.device in burning:
                off_limits[tuple(door.key)] = "withheld"
                continue
            state, level_pct = self._state(door, as_of_us)
            if state != "ok":
                wanted[tuple(door.key)] = (state, level_pct)
        self.equal("bins/full", told, wanted)
        states = {state for state, _ in wanted.values()}
        self.equal("bins/full: shows silent doors", "silent" in states, True)
        rows = {(r["device"], r["door"]): r["state"] for r in self._table("bins/full")}
        every = {key: state for key, (state, _) in wanted.items()} | off_limits
        self.equal("bins/full: CSV", rows, every)

    def _burning(self) -> dict[str, str]:
        """Each device that burns or smokes, and which; fire is the graver."""
        active = [alarm for alarm in self._expected.alarms.values() if alarm.active]
        found = {a.device: "smoke" for a in active if a.type is AlarmType.SMOKE}
        return found | {a.device: "fire" for a in active if a.type is AlarmType.FIRE}

    def _state(self, door: Door, as_of_us: int) -> tuple[str, int | None]:
        reading = self._expected.levels.get(door.key)
        level_pct = reading.level_pct if reading else None
        if reading is None or reading.at_us < as_of_us - SILENT_US:
            return "silent", level_pct
        if level_pct is None:
            return "fault", level_pct
        if level_pct >= door.full_pct:
            return "overfull" if level_pct >= door.overfull_pct else "full", level_pct
        return "ok", level_pct

    def _boards(self) -> None:
        for community in self._registry.communities:
            answer = self._get(f"communities/{community}/bins")
            if not answer:
                continue
            told = {
                (b["device"], d["door"]): d["state"] for b in answer["bins"] for d in b["doors"]
            }
            days = Days(self._days.last, self._days.last)
            wanted = {
                tuple(span.door.key): self._state(span.door, _us(answer["as_of"]))[0]
                for span in self._registry.doors_of_community(community, days)
            }
            self.equal(f"{community}: board", told, wanted)

    def _device(self, device: str) -> None:
        answer = self._get(f"devices/{device}")
        status = self._expected.statuses.get(device)
        self.equal(f"{device}: state", answer.get("state"), status and status.state.value)
        doors = {d["door"]: d for d in answer.get("doors", [])}
        for door in self._registry.doors_of_device(device):
            level = doors.get(door.id, {}).get("level") or {}
            newest = self._expected.levels.get(door.key)
            told = (level.get("level_pct"), _us(level["at"]) if level else None)
            wanted = (newest.level_pct, newest.at_us) if newest else (None, None)
            self.equal(f"{device}/{door.id}: newest level", told, wanted)
        alarms = [(a["door"], a["type"], _us(a["since"])) for a in answer.get("alarms", [])]
        active = [
            (alarm.door, alarm.type.value, alarm.at_us)
            for alarm in self._expected.alarms.values()
            if alarm.device == device and alarm.active
        ]
        self.equal(f"{device}: alarms", sorted(alarms), sorted(active))
        self._levels(device)
        self._collections(device)

    def _levels(self, device: str) -> None:
        last = self._days.last
        doors = self._get(f"bins/{device}/levels", **{"from": last, "to": last}).get("doors", {})
        for door in self._registry.doors_of_device(device):
            rows = doors.get(door.id, [])
            told = [len(rows), sum(row["level_pct"] or 0 for row in rows)]
            wanted = self._expected.readings.get((door.key, last), [0, 0])
            self.equal(f"{device}/{door.id}: levels of {last}", told, wanted)

    def _collections(self, device: str) -> None:
        told: dict[str, list[int]] = {}
        query: dict[str, object] = dict(self._window())
        while query:
            page = self._get(f"devices/{device}/collections", **query)
            for row in page.get("collections", []):
                total = told.setdefault(row["door"], [0, 0])
                total[0] += 1
                total[1] += row["net_g"]
            following = page.get("next")
            query = {**self._window(), "cursor": following} if following else {}
        wanted = {
            key.door: total
            for key, total in self._expected.collections.items()
            if key.device == device
        }
        self.equal(f"{device}: collections", told, wanted)


def _shown(row: dict[str, str]) -> dict[str, str]:
    return {key: row[key] for key in ExpectedFigures().shown()}


def _us(text: str) -> int:
    return calendar.to_us(datetime.fromisoformat(text))
