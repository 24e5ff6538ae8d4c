"""The live stream over a real server and real stores: nothing missed, nothing twice, no fault that
leaves the boards standing still.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from api.live import routes
from smartbin.core import calendar
from smartbin.core.errors import StoreUnavailable
from smartbin.database import outbox
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DoorKey,
    Fact,
    LevelReading,
)
from smartbin.live import resume
from smartbin.telemetry import TelemetryReader
from tests.api.client import NOON_US, Api
from tests.api.serving import served
from tests.places.small import SHANGHAI
from tests.real import patient_s

pytestmark = pytest.mark.process


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
    with httpx2.stream(
        "GET", f"{url}/api/v1/live{query}", headers=headers, timeout=patient_s(20)
    ) as answer:
        yield Stream(answer)


class Failing:
    """A store whose levels fail as often as told; everything else is the real one's."""

    def __init__(self, reader: TelemetryReader) -> None:
        self._reader, self.left = reader, list[Exception]()

    def latest_levels(
        self, doors: Iterable[DoorKey], since_us: int
    ) -> Mapping[DoorKey, LevelReading]:
        if self.left:
            raise self.left.pop()
        return self._reader.latest_levels(doors, since_us)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


def keep(api: Api, facts: Sequence[Fact]) -> None:
    """As the gateway does it."""
    api.writer.append(facts)
    DepositLines(api.parts.database, SHANGHAI, lambda: NOON_US).append(facts)


def deposit(n: int, device: str = "bin-001") -> Deposit:
    return Deposit(device, "kitchen", NOON_US + n, 1_000 + n, account="K3f0")


def test_a_board_is_told_what_is_kept_and_of_nobody(api: Api) -> None:
    keep(api, [deposit(-9), deposit(-8, "bin-002")])
    with served(api.parts) as url, listening(url, query="?community=oak") as board:
        event, data, _ = board.next()
        assert event == "recent"
        assert [row["weight_g"] for row in data["deposits"]] == [991]  # elm's is not oak's
        keep(api, [deposit(1)])
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
        keep(api, [Collection("bin-001", "kitchen", NOON_US + 2, 9_000, 1_000)])
        assert board.until("collection")[0]["net_g"] == 8_000
        keep(api, [LevelReading("bin-001", "kitchen", NOON_US + 3, 97)])
        level = board.until("level")[0]
        assert (level["level_pct"], level["state"]) == (97, "overfull")


def test_who_comes_back_is_given_what_it_missed(api: Api) -> None:
    with served(api.parts) as url:
        with listening(url) as board:
            assert board.next()[0] == "recent"
            keep(api, [deposit(1)])
            _, last_id = board.until("deposit")
            keep(api, [deposit(2)])
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
    reader = Failing(api.parts.reader)
    with (
        served(replace(api.parts, reader=reader)) as url,
        listening(url) as board,
    ):
        board.next()
        reader.left = [fault, fault]
        for n in range(30):  # more rows than are read in one go
            keep(api, [deposit(n)])
        keep(api, [LevelReading("bin-001", "kitchen", NOON_US, 12)])
        assert [board.until("deposit")[0]["weight_g"] for _ in range(30)] == list(range(1000, 1030))
        assert board.until("level")[0]["level_pct"] == 12
        assert not reader.left


def test_a_board_that_begins_is_sent_nothing_old(api: Api) -> None:
    with served(api.parts) as url:
        keep(api, [deposit(1)])  # may be read by the server after the board has begun
        with listening(url) as board:
            assert board.next()[0] == "recent"
            keep(api, [deposit(2)])
            assert board.until("deposit")[0]["weight_g"] == 1_002


def test_a_late_deposit_is_sent_and_once(api: Api) -> None:
    with served(api.parts) as url, listening(url) as board:
        board.next()
        late = [deposit(n * calendar.US_PER_S) for n in (0, -150, 140, -3 * 86_400)]
        anonymous = [replace(late[0], door="residual", account=None)]
        for _ in range(2):
            for one in [*late, *anonymous]:
                keep(api, [one])
        keep(api, [deposit(7)])
        bodies = [board.until("deposit")[0] for _ in range(6)]
        assert [b["weight_g"] for b in bodies[:-1]] == [d.weight_g for d in [*late, *anonymous]]
        assert bodies[-1]["weight_g"] == 1_007


def test_an_older_level_and_an_ended_alarm_are_no_news(api: Api) -> None:
    def alarm(n: int, active: bool) -> Alarm:
        return Alarm("bin-001", "kitchen", NOON_US + n, AlarmType.JAM, active)

    with served(api.parts) as url, listening(url) as board:
        board.next()
        keep(api, [LevelReading("bin-001", "kitchen", NOON_US, 50), alarm(0, True)])
        assert board.until("alarm")[0]["type"] == "jam"
        assert board.until("level")[0]["level_pct"] == 50
        keep(api, [LevelReading("bin-001", "kitchen", NOON_US - 9, 40), alarm(1, False)])
        keep(api, [alarm(-5, True), deposit(1)])
        board.until("deposit")


def test_a_client_goes_on_at_another_server_within_a_batch(api: Api) -> None:
    with served(api.parts) as first, served(api.parts) as second:
        with listening(first) as board, listening(second) as other:
            _, _, last_id = board.next()
            assert last_id, "one that has seen nothing yet can go on too"
            other.next()
            keep(api, [deposit(n) for n in range(3)])
            mine = [board.until("deposit") for _ in range(3)]
            assert mine == [other.until("deposit") for _ in range(3)]
        keep(api, [deposit(3)])
        for known, id in enumerate([last_id, *(id for _, id in mine)]):
            with listening(second, id) as board:
                board.next()
                missed = [board.until("deposit")[0]["weight_g"] for _ in range(4 - known)]
                assert missed == [1_000 + n for n in range(known, 4)]


def test_a_quiet_communitys_board_keeps_up_by_its_pings(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "HEARTBEAT_S", 0.3)
    monkeypatch.setattr(resume, "ROWS_MAX", 3)
    with served(api.parts) as url:
        with listening(url, query="?community=elm") as board:
            _, _, begun = board.next()
            for n in range(5):
                keep(api, [deposit(n)])  # oak's
            ids = [board.next() for _ in range(8)]
            assert {event for event, _, _ in ids} == {"ping"}
        with listening(url, begun, query="?community=elm") as board:
            board.next()
            assert board.next()[:2] == ("reload", {"reason": "missed"}), "too many rows to look at"
        with listening(url, ids[-1][2], query="?community=elm") as board:
            board.next()
            keep(api, [deposit(6, "bin-002")])
            while (event := board.next())[0] == "ping":
                pass
            assert event[:1] == ("deposit",)


def test_who_was_away_for_longer_than_rows_are_kept_is_told_to_reload(api: Api) -> None:
    with served(api.parts) as url:
        with listening(url) as board:
            _, _, last_id = board.next()
            keep(api, [deposit(1)])
            keep(api, [deposit(2)])
            board.until("deposit")
        outbox.trim(api.parts.database, NOON_US, rows_max=1)
        with listening(url, last_id) as board:
            board.next()
            event, data, id = board.next()
            assert (event, data) == ("reload", {"reason": "missed"})
        with listening(url, id) as board:
            board.next()
            keep(api, [deposit(3)])
            assert board.until("deposit")[0]["weight_g"] == 1_003
