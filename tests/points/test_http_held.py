"""What devices told too late, over HTTP: listed for the office, and decided by it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from smartbin.core import calendar
from smartbin.deposit_lines.store import DepositLines
from smartbin.people.tokens import Role
from tests.api.client import ACCOUNT, NOON_US, Api
from tests.places.small import SHANGHAI
from tests.points.books import Books, kitchen

OLD = date(2026, 11, 2)
TABLE = f"card,kind,community,from,to,account\nH1,household,oak,2025-01-01,,{ACCOUNT}\n"


@pytest.fixture
def books(api: Api, tmp_path: Path) -> Books:
    kept = Books(api.parts.database, tmp_path)
    kept.load(TABLE)
    DepositLines(kept.database, SHANGHAI).append(
        [kitchen(0, day=OLD), kitchen(5, day=OLD)], NOON_US
    )
    kept.settle(NOON_US)
    return kept


def decide(api: Api, device: str = "bin-001", role: Role = Role.OFFICE, **more: str) -> Any:
    body = {
        "request_id": "decide-0001", "decision": "release", "from": str(OLD), "to": str(OLD),
        "reason": "seen on the spot", **more,
    }  # fmt: skip
    path = f"/api/v1/held/{device}/decisions"
    return api.client.post(path, json=body, headers=api.as_(role))


def points(api: Api) -> tuple[int, int, int]:
    told = api.get(f"accounts/{ACCOUNT}", Role.RESIDENT)
    return told["balance"], told["spendable"], told["held"]


def test_what_came_late_is_listed_and_released(api: Api, books: Books) -> None:
    assert points(api) == (0, 0, 50)
    assert api.get("held", Role.OFFICE)["held"] == [
        {"device": "bin-001", "deposits": 2, "cards": 1, "weight_g": 4000, "from": str(OLD),
         "to": str(OLD), "arrived_first_at": "2026-11-23T12:00:00+08:00",
         "arrived_last_at": "2026-11-23T12:00:00+08:00"}
    ]  # fmt: skip
    table = api.client.get("/api/v1/held?format=csv", headers=api.as_(Role.OFFICE)).text
    assert len(table.splitlines()) == 2
    for _ in range(2):
        answer = decide(api)
        assert (answer.status_code, answer.json()) == (
            201, {"device": "bin-001", "decision": "release", "card_days": 1}
        )  # fmt: skip
    books.settle(NOON_US)
    assert points(api) == (50, 50, 0)
    assert api.get("held", Role.OFFICE)["held"] == []
    last = books.entries()[-1]
    assert (last.entry.reason, last.entry.day) == ("release", OLD)
    assert calendar.day_of(last.booked_us, SHANGHAI) == date(2026, 11, 23)
    made = decide(api, request_id="decide-0002", decision="reject", reason="forged after all")
    assert made.status_code == 201
    books.settle(NOON_US)
    assert points(api) == (0, 0, 0)
    statement = api.get(f"accounts/{ACCOUNT}/statement?from={OLD}&to={OLD}", Role.RESIDENT)
    assert (statement["balance"], statement["spendable"], statement["held"]) == (0, 0, 0)
    assert "did not accept" in statement["lines"][0]["en"]


def test_only_the_office_decides_and_only_what_can_be(api: Api, books: Books) -> None:
    for role in (Role.CREW, Role.COMMUNITY, Role.SUPERVISOR, Role.INSPECTOR):
        assert decide(api, role=role).status_code == 403
        assert api.client.get("/api/v1/held", headers=api.as_(role)).status_code == 403
    assert decide(api, "bin-999").status_code == 404
    swapped = decide(api, to="2026-11-01")
    assert (swapped.status_code, swapped.json()["parameter"]) == (422, "to")
    assert decide(api, reason="").status_code == 422
    assert decide(api).status_code == 201
    other = decide(api, reason="another reason")
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (409, "request-reused")
