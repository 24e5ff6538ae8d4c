"""The live stream over a real server and real stores: nothing missed, nothing twice, no fault that
leaves the boards standing still.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from smartbin.core.errors import StoreUnavailable
from smartbin.facts.events import Alarm, Collection, Deposit, DoorKey, LevelReading
from smartbin.telemetry import TelemetryReader
from tests.api.client import NOON_US, Api
from tests.api.serving import served
from tests.real import until


class Stream:
    """Events of one open stream, read one by one."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.iter_lines()

    def next(self) -> tuple[str, dict[str, Any], str | None]:
        fields: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return fields["event"], json.loads(fields["data"]), fields.get("id")
        raise AssertionError("the stream ended")

    def until(self, kind: str) -> tuple[dict[str, Any], str | None]:
        while True:
            event, data, id = self.next()
            if event == kind:
                return data, id
            assert event == "ping", (event, data)


@contextmanager
def listening(url: str, last_id: str | None = None, query: str = "") -> Iterator[Stream]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with httpx2.stream("GET", f"{url}/api/v1/live{query}", headers=headers, timeout=20) as answer:
        yield Stream(answer)


class Failing:
    """A store whose deposits fail as often as told; everything else is the real one's."""

    def __init__(self, reader: TelemetryReader, failures: Sequence[Exception]) -> None:
        self._reader, self.left, self.looks = reader, list(failures), 0

    def deposits(
        self, doors: Sequence[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Deposit]:
        if limit > 5 and self.left:  # the hub's look, not a board's first deposits
            raise self.left.pop()
        return self._reader.deposits(doors, start_us, end_us, limit)

    def active_alarms(self, devices: Iterable[str]) -> Sequence[Alarm]:
        self.looks += 1
        return self._reader.active_alarms(devices)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


def deposit(n: int, device: str = "bin-001") -> Deposit:
    return Deposit(device, "kitchen", NOON_US + n, 1_000 + n, account="K3f0")


def test_a_board_is_told_what_is_kept_and_of_nobody(api: Api) -> None:
    api.writer.append([deposit(-9), deposit(-8, "bin-002")])
    with served(api.parts) as url, listening(url, query="?community=oak") as board:
        event, data, _ = board.next()
        assert event == "recent"
        assert [row["weight_g"] for row in data["deposits"]] == [991]  # elm's is not oak's
        api.writer.append([deposit(1)])
        body, id = board.until("deposit")
        assert body == {
            "device": "bin-001",
            "door": "kitchen",
            "community": "oak",
            "category": "kitchen",
            "at": "2026-11-23T12:00:00.000001+08:00",
            "weight_g": 1_001,
        }
        assert id
        api.writer.append([Collection("bin-001", "kitchen", NOON_US + 2, 9_000, 1_000)])
        assert board.until("collection")[0]["net_g"] == 8_000
        api.writer.append([LevelReading("bin-001", "kitchen", NOON_US + 3, 97)])
        level = board.until("level")[0]
        assert (level["level_pct"], level["state"]) == (97, "overfull")


def test_who_comes_back_is_given_what_it_missed(api: Api) -> None:
    with served(api.parts) as url:
        with listening(url) as board:
            assert board.next()[0] == "recent"
            api.writer.append([deposit(1)])
            _, last_id = board.until("deposit")
            api.writer.append([deposit(2)])
            board.until("deposit")
        with listening(url, last_id) as board:
            assert board.next()[0] == "recent"
            assert board.until("deposit")[0]["weight_g"] == 1_002
        with listening(url, "another-1") as board:
            assert board.next()[0] == "recent"
            assert board.next()[:2] == ("reload", {"reason": "missed"})


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), KeyError("a fault of ours")])
def test_a_store_that_was_away_costs_no_news_and_sends_none_twice(
    api: Api, fault: Exception
) -> None:
    reader = Failing(api.parts.reader, [])
    with (
        served(replace(api.parts, reader=reader)) as url,  # type: ignore[arg-type] # all by __getattr__
        listening(url) as board,
    ):
        board.next()
        api.writer.append([deposit(1)])
        board.until("deposit")
        reader.left = [fault, fault]
        api.writer.append([deposit(2)])
        assert board.until("deposit")[0]["weight_g"] == 1_002
        assert not reader.left


def test_a_store_away_when_watching_begins_sends_nothing_old(api: Api) -> None:
    api.writer.append([deposit(-1)])
    reader = Failing(api.parts.reader, [StoreUnavailable("away")])
    with (
        served(replace(api.parts, reader=reader)) as url,  # type: ignore[arg-type] # all by __getattr__
        listening(url) as board,
    ):
        assert board.next()[0] == "recent"
        until(lambda: not reader.left, "the failure is met")
        until(lambda: reader.looks > 1, "the hub looked")
        api.writer.append([deposit(1)])
        assert board.until("deposit")[0]["weight_g"] == 1_001
