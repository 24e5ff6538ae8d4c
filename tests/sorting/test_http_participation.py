"""Who took part, counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from smartbin.accounts.store import Accounts
from smartbin.core import calendar
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit, Judge, LevelReading, Verdict
from smartbin.sorting.rules.limits import Limits
from smartbin.verdicts.store import HumanVerdicts
from tests.api.client import NOON_US, Api
from tests.places.small import SHANGHAI

ACCOUNTS = """card,kind,community,from,to,account
H1,household,oak,2025-01-01,,11111111
H1b,household,oak,2025-01-01,,11111111
H2,household,oak,2025-01-01,,22222222
H3,household,oak,2025-01-01,,33333333
E1,enterprise,oak,2025-01-01,,44444444
H5,household,elm,2025-01-01,,55555555
H6,household,oak,2025-01-01,2026-11-01,66666666
"""
DAYS = "from=2026-11-20&to=2026-11-22"


def deposit(
    card: str | None,
    day: int,
    n: int,
    weight_g: int = 500,
    verdict: Verdict | None = None,
    device: str = "bin-001",
) -> Deposit:
    at_us = calendar.start_us(date(2026, 11, day), SHANGHAI) + n * calendar.US_PER_S
    judge = Judge.CAMERA if verdict else None
    return Deposit(device, "kitchen", at_us, weight_g, verdict, judge, account=card, seq=n)


@pytest.fixture
def clock() -> list[int]:
    return [NOON_US]


@pytest.fixture
def lived(api: Api, tmp_path: Path, clock: list[int]) -> Iterator[Api]:
    path = tmp_path / "accounts.csv"
    path.write_text(ACCOUNTS, encoding="utf-8")
    Accounts(api.parts.database).load(path, api.parts.registry.communities, NOON_US)
    limits = Limits(households_min=1, days_min=2)
    api.parts = replace(api.parts, limits=limits, now_us=lambda: clock[0])
    hours = [
        LevelReading(device, "kitchen", NOON_US - n * calendar.US_PER_HOUR - 1, 5, None, 900 - n)
        for n in range(100)
        for device in ("bin-001", "bin-002")
    ]
    deposits = [
        deposit("H1", 20, 1),
        deposit("H1b", 21, 2),  # the same household's other card
        deposit("H2", 20, 3, verdict=Verdict.INCORRECT),
        deposit("H2", 21, 4, weight_g=199),
        deposit("H3", 22, 5, device="bin-002"),  # at the neighbours'
        deposit("E1", 22, 6),
        deposit("H5", 22, 7),
        deposit("H6", 22, 8),  # moved away
        deposit("lost", 22, 9),
        deposit(None, 22, 10),
        deposit("H2", 19, 11),  # before the window
    ]
    api.writer.append([*hours, *deposits])
    DepositLines(api.parts.database, SHANGHAI).append(deposits)
    with TestClient(create_app(api.parts), headers={"X-Requested-With": "smartbin"}) as client:
        api.client = client
        yield api


def test_households_are_counted_once_and_deposits_all(lived: Api) -> None:
    oak: Any = lived.get(f"communities/oak/participation?{DAYS}")
    assert (oak["accounts"], oak["households"]) == (3, 540)
    assert (oak["took_part"], oak["regular"], oak["days_min"]) == (2, 1, 2)
    assert oak["participation"]["value"] == pytest.approx(2 / 540)
    assert oak["participation"]["denominator"] == "registered households"
    assert oak["regular_participation"]["n"] == 540
    assert oak["deposits"] == {
        "total": 9,
        "households": 5,
        "enterprises": 1,
        "unknown_card": 2,
        "without_account": 1,
    }
    once: Any = lived.get(f"communities/oak/participation?{DAYS}&days_min=1")
    assert (once["took_part"], once["regular"], once["days_min"]) == (2, 2, 1)
    elm: Any = lived.get(f"communities/elm/participation?{DAYS}")
    assert (elm["took_part"], elm["accounts"], elm["deposits"]["total"]) == (1, 1, 1)
    site: Any = lived.get(f"site/participation?{DAYS}")
    assert (site["took_part"], site["households"], site["deposits"]["total"]) == (3, 840, 10)


def test_a_household_that_moved_is_one_household_of_the_site(
    lived: Api, tmp_path: Path, clock: list[int]
) -> None:
    before: Any = lived.get(f"site/participation?{DAYS}")
    path = tmp_path / "moved.csv"
    moved = (
        "H7,household,oak,2025-01-01,2026-11-20,77777777\nH8,household,elm,2026-11-21,,77777777\n"
    )
    path.write_text(ACCOUNTS + moved, encoding="utf-8")
    Accounts(lived.parts.database).load(path, lived.parts.registry.communities, NOON_US)
    own = [deposit("H7", 20, 20), deposit("H8", 21, 21)]
    DepositLines(lived.parts.database, SHANGHAI).append(own)
    here = [lived.get(f"communities/{id}/participation?{DAYS}") for id in ("oak", "elm")]
    assert [one["took_part"] for one in here] == [3, 2]
    clock[0] += 61 * calendar.US_PER_S
    site: Any = lived.get(f"site/participation?{DAYS}")
    assert site["accounts"] == before["accounts"] + 1
    assert site["took_part"] == before["took_part"] + 1
    assert site["regular"] == before["regular"] + 1, "a day in each community is two days"


def test_what_is_remembered_says_of_when_it_is(lived: Api, clock: list[int]) -> None:
    paths = (
        f"site/participation?{DAYS}",
        f"communities/ranking?by=participation&{DAYS}",
        f"communities/ranking?{DAYS}",
        f"communities/sorting?{DAYS}",
    )
    first = [lived.get(path)["as_of"] for path in paths]
    clock[0] += 30 * calendar.US_PER_S
    assert [lived.get(path)["as_of"] for path in paths] == first
    clock[0] += 61 * calendar.US_PER_S
    assert all(lived.get(path)["as_of"] > was for path, was in zip(paths, first, strict=True))


def test_a_collection_points_own_deposits_are_the_points_and_its_households(lived: Api) -> None:
    """What docs/statistics.md decides of them."""
    at_door = deposit("H2", 22, 30, device="point-01")
    lived.writer.append([at_door])
    DepositLines(lived.parts.database, SHANGHAI).append([at_door])
    places = {
        "devices/point-01": 1, "communities/oak": 9, "communities/elm": 1, "site": 10,
        "collection-points/point-01": 10,
    }  # fmt: skip
    for path, deposits in places.items():
        assert lived.get(f"{path}/sorting?{DAYS}")["total"]["deposits"] == deposits, path
    oak: Any = lived.get(f"communities/oak/participation?{DAYS}")
    assert (oak["took_part"], oak["deposits"]["total"]) == (3, 9)


def test_peoples_verdicts_decide_who_took_part(lived: Api) -> None:
    judged = HumanVerdicts(lived.parts.database, SHANGHAI)
    by = (Judge.INSPECTOR, "li", "seen", NOON_US)
    judged.add(deposit("H2", 20, 3, verdict=Verdict.INCORRECT), Verdict.CORRECT, *by)
    judged.add(deposit("H1", 20, 1), Verdict.CORRECT, *by)
    judged.add(deposit("H1b", 21, 2), Verdict.INCORRECT, *by)
    judged.add(deposit("H2", 21, 4, weight_g=199), Verdict.CORRECT, *by)
    oak: Any = lived.get(f"communities/oak/participation?{DAYS}")
    # H1 on the 20th alone now, H2 on the 20th (its light one stays too light), H3 on the 22nd.
    assert (oak["took_part"], oak["regular"]) == (3, 0)


def test_the_ranking_and_the_table_say_the_same(lived: Api) -> None:
    ranked: Any = lived.get(f"communities/ranking?by=participation&{DAYS}")
    values = {row["community"]: (row["value"], row["n"]) for row in ranked["ranks"]}
    assert values == {"oak": (2 / 540, 540), "elm": (1 / 300, 300)}
    assert {row["rank"] for row in ranked["ranks"]} == {1}, "nobody can tell them apart"
    table = lived.client.get(f"/api/v1/communities/oak/participation?{DAYS}&format=csv").text
    header, row = table.splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["took_part"] == "2"


def test_what_cannot_be_said_is_not(api: Api) -> None:
    none: Any = api.get(f"communities/oak/participation?{DAYS}")
    assert (none["participation"], none["insufficient_reason"]) == (None, "accounts")
    ranked: Any = api.get(f"communities/ranking?by=participation&{DAYS}")
    assert {row["insufficient_reason"] for row in ranked["insufficient"]} == {"accounts"}
    long = "from=2026-01-01&to=2026-11-22"
    for path in (
        f"communities/oak/participation?{long}",
        f"communities/ranking?by=participation&{long}",
    ):
        answer = api.client.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["parameter"]) == (422, "from")
