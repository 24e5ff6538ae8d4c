"""Pages lose no row and repeat none, also where many rows have one instant and while rows come."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.collection import collections as collections_of_all
from api.paging import CursorOf, FactPosition, NumberedPosition, Paging, numbered
from api.windows import FactsPage
from smartbin.collection.store import Round, Rounds
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.scope import EVERYTHING
from smartbin.database import Database
from smartbin.facts.events import Category, Collection, Deposit, DoorKey, LevelReading
from smartbin.people.principals import Role
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.telemetry import open_reader, open_writer
from tests.api.client import NOON_US, TODAY, WINDOW, Api
from tests.influx import Influx
from tests.places.small import SHANGHAI

DOORS = [f"door-{n:02}" for n in range(40)]  # more of one instant than are read besides a page
KEYS = [DoorKey("bin-001", door) for door in DOORS]
INSTANTS_US = [NOON_US - n for n in (0, 1, 3_600_000_000)]
KINDS: dict[str, Callable[[str, int], Any]] = {
    "deposits": lambda door, at_us: Deposit("bin-001", door, at_us, 1_000),
    "collections": lambda door, at_us: Collection("bin-001", door, at_us, 9_000, 1_000),
    "levels": lambda door, at_us: LevelReading("bin-001", door, at_us, 50),
}


@pytest.fixture(params=["sqlite", pytest.param("influx", marks=pytest.mark.real)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str | None]]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/telemetry.db", None
        return
    server: Influx = request.getfixturevalue("influx_server")
    with server.buckets() as url:
        yield url, server.token


def walked(page: Callable[[Any], tuple[Sequence[Any], str | None]], read: Any) -> list[Any]:
    """Every row, page by page: the cursor of each is what the next begins with."""
    rows: list[Any] = []
    after = None
    while True:
        found, cursor = page(after)
        rows += found
        if cursor is None:
            return rows
        after = read(cursor, "/list")


@pytest.mark.parametrize("kind", KINDS)
def test_facts_of_one_instant_are_paged_on_both_stores(
    address: tuple[str, str | None], kind: str
) -> None:
    url, token = address
    writer, reader = open_writer(url, SHANGHAI, token), open_reader(url, SHANGHAI, token)
    made = [KINDS[kind](door, at_us) for at_us in INSTANTS_US for door in DOORS]
    writer.append(made)
    read: Any = partial(getattr(reader, kind), "bin-001" if kind == "levels" else KEYS)
    newer = (KINDS[kind](DOORS[0], NOON_US + n) for n in itertools.count(1))

    def page(limit: int, after: FactPosition | None) -> tuple[Sequence[Any], str | None]:
        asked = FactsPage(Days(TODAY, TODAY), SHANGHAI, limit, Paging(after, "/list", "/list"))
        found, cursor = asked.of(read, [asked.days])
        assert len(found) <= limit
        if after is not None:
            writer.append([next(newer)])  # what comes meanwhile moves nothing
        return found, cursor

    for limit in (1, 7, 39, 40, 41, 119, 120):
        seen = walked(partial(page, limit), CursorOf(FactPosition)._read)
        told = [(row.at_us, row.door) for row in seen if row.at_us <= NOON_US]
        assert told == [(row.at_us, row.door) for row in made]
    reader.close()
    writer.close()


def test_records_of_one_instant_are_paged_on_both_databases(database: Database) -> None:
    rounds, catalogue = Rounds(database), RewardCatalogue(database)
    ids = [str(UUID(int=n)) for n in range(1, 8)]
    for id in ids:
        rounds.start(Round(id, "truck", Category.KITCHEN, NOON_US), NOON_US)
        catalogue.put(Reward(f"soap-{id[-2:]}", "皂", "soap", 5, 1))
    for limit in range(1, 9):
        seen: list[str] = []
        after: tuple[int, str] | None = None
        while found := rounds.between(EVERYTHING, 0, NOON_US + 1, limit, after):
            seen += [one.id for one in found]
            after = found[-1].started_us, found[-1].id
        assert seen == ids
        rewards: list[str] = []
        after = None
        while some := catalogue.rewards(after=after, limit=limit):
            rewards += [one.id for one in some]
            after = some[-1].price, some[-1].id
        assert rewards == [f"soap-{id[-2:]}" for id in ids]


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), max_size=20),
    limit=st.integers(1, 21),
)
def test_rows_without_a_key_are_paged_by_their_number(
    rows: list[tuple[int, str]], limit: int
) -> None:
    whole = [(*row, n) for n, row in enumerate(sorted(rows))]

    def page(after: NumberedPosition | None) -> tuple[Sequence[Any], str | None]:
        found = numbered(whole, lambda row: row[0], lambda row: row[1])
        left = [one for one in found if after is None or one[0] > after]
        cut, cursor = Paging(after, "/list", "/list").cut(left, limit, lambda one: one[0])
        return [row for _, row in cut], cursor

    assert walked(page, CursorOf(NumberedPosition)._read) == whole


def test_a_cursor_of_another_list_or_filter_is_refused(api: Api) -> None:
    api.writer.append([Deposit("bin-001", "kitchen", NOON_US - n, 1_000) for n in range(3)])
    api.writer.append([Deposit("bin-002", "kitchen", NOON_US - n, 1_000) for n in range(3)])
    days = f"from={WINDOW.first}&to={TODAY}"
    cursor = api.get(f"devices/bin-001/deposits?{days}&limit=1")["next"]
    assert len(api.get(f"devices/bin-001/deposits?limit=9&cursor={cursor}&{days}")["deposits"]) == 2
    other_days = f"from={WINDOW.first}&to={TODAY - timedelta(days=1)}"
    for address in (
        f"devices/bin-002/deposits?{days}&cursor={cursor}",
        f"devices/bin-001/collections?{days}&cursor={cursor}",
        f"devices/bin-001/verdicts?{days}&cursor={cursor}",
        f"devices/bin-001/deposits?{other_days}&cursor={cursor}",
        f"devices/bin-001/deposits?{days}&cursor={cursor[:-2]}",
        f"devices/bin-001/deposits?{days}&cursor={cursor}A",
    ):
        answer = api.client.get(f"/api/v1/{address}", headers=api.as_(Role.CREW))
        assert (answer.status_code, answer.json()["parameter"]) == (422, "cursor"), address
        assert "leave it out" in answer.json()["detail"]


@pytest.mark.parametrize(
    "position", [[], [1], [1, 2, 3], ["1", "a", "b"], [-1, "a", "b"], [2**63, "a", "b"],
                 [1, "a\x00", "b"], [1, "\ud800", "b"], [True, "a", "b"], [1, "a" * 129, "b"]]
)  # fmt: skip
def test_a_forged_position_is_refused(api: Api, position: Any) -> None:
    address = "/api/v1/devices/bin-001/deposits"
    forged = Paging(None, address, address).cursor(position)
    answer = api.client.get(f"{address}?cursor={forged}", headers=api.as_(Role.CREW))
    assert (answer.status_code, answer.json()["parameter"]) == (422, "cursor")


def test_a_table_names_its_next_page(api: Api) -> None:
    api.writer.append([Deposit("bin-001", "kitchen", NOON_US - n, 1_000) for n in range(3)])
    rows, address = 0, "/api/v1/devices/bin-001/deposits?format=csv&limit=2"
    for pages in (1, 2):
        answer = api.client.get(address, headers=api.as_(Role.CREW))
        rows += len(answer.text.splitlines()) - 1
        link = answer.headers.get("Link", "")
        assert link.endswith('; rel="next"') == (pages == 1)
        address = link.partition(">")[0].removeprefix("<")
    assert rows == 3


def test_emptyings_behind_many_of_others_are_not_lost(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question reads a bounded number; what a filter leaves of it may be nothing."""
    monkeypatch.setattr(collections_of_all, "READ_MAX", 5)
    day_us = 24 * calendar.US_PER_HOUR
    of_oak = [Collection("bin-001", "kitchen", NOON_US - n * day_us, 2_000, 1) for n in (8, 12)]
    others = [Collection("bin-001", "residual", NOON_US - n * day_us, 2_000, 1) for n in range(16)]
    api.writer.append([*of_oak, *others])
    seen, query = [], ""
    for _ in range(20):
        page = api.get(f"collections?category=kitchen&limit=1{query}")
        seen += [row["at"] for row in page["collections"]]
        if page["next"] is None:
            break
        query = f"&cursor={page['next']}"
    assert [at[:10] for at in seen] == ["2026-11-15", "2026-11-11"]
