"""People's verdicts: kept with who and why, once, superseding, and followed by every figure."""

from __future__ import annotations

from typing import Any

import pytest

from smartbin.core import calendar
from smartbin.deposit_lines.store import DepositLines
from smartbin.deposit_lines.tables import unsettled
from smartbin.facts.events import Deposit, Judge, LevelReading, Verdict
from smartbin.people.tokens import Role, Tokens
from tests.api.client import NOON_US, Api
from tests.places.small import SHANGHAI

AT = "2026-11-23T11:00:00.000182+08:00"
AT_US = NOON_US - calendar.US_PER_HOUR + 182
WHY = "袋中有塑料 plastic in it"
SAID: dict[str, str] = {
    "id": "request-0001",
    "door": "kitchen",
    "at": AT,
    "verdict": "incorrect",
    "why": WHY,
}


@pytest.fixture
def judged(api: Api) -> Api:
    """Ten deposits that the camera judged correct, one of a card, in a morning wholly heard."""
    deposits = [
        Deposit(
            *("bin-001", "kitchen", AT_US - n * calendar.US_PER_S, 1000),
            *(Verdict.CORRECT, Judge.CAMERA),
            account="K3f9Qz" if n == 0 else None,
            seq=100 + n,
        )
        for n in range(10)
    ]
    hours = [
        LevelReading("bin-001", "kitchen", NOON_US - n * calendar.US_PER_HOUR - 1, 5, None, 50 - n)
        for n in range(12)
    ]
    api.writer.append([*deposits, *hours])
    DepositLines(api.parts.database, SHANGHAI).append(deposits)
    return api


def post(api: Api, role: Role, device: str = "bin-001", **changed: str) -> Any:
    address = f"/api/v1/devices/{device}/verdicts"
    return api.client.post(address, json={**SAID, **changed}, headers=api.as_(role))


def correct(api: Api, path: str = "communities/oak") -> tuple[int, int]:
    total = api.get(f"{path}/sorting?from=2026-11-23&to=2026-11-23")["total"]
    return total["judged"], total["correct"]


def test_a_verdict_supersedes_the_cameras_in_every_figure(judged: Api) -> None:
    places = ("communities/oak", "devices/bin-001", "collection-points/point-01", "site")
    assert {correct(judged, place) for place in places} == {(10, 10)}
    answer = post(judged, Role.SUPERVISOR)
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert (kept["at"], kept["day"], kept["why"]) == (AT, "2026-11-23", WHY)
    assert (kept["device_verdict"], kept["verdict"]) == ("correct", "incorrect")
    assert (kept["standing"], kept["standing_judge"]) == ("incorrect", "supervisor")
    assert {correct(judged, place) for place in places} == {(10, 9)}
    today = "from=2026-11-23&to=2026-11-23"
    day = judged.get(f"communities/oak/sorting?{today}&every=day")["days"][0]
    assert (day["correct"], day["by_category"]["kitchen"]["correct"]) == (9, 9)
    (ranked,) = judged.get(f"communities/ranking?{today}")["ranks"]
    assert ranked["value"] == 0.9


def test_its_cards_day_is_settled_again(judged: Api) -> None:
    with judged.parts.database.write() as db:
        db.execute(unsettled.delete())
    post(judged, Role.INSPECTOR)
    with judged.parts.database.read() as db:
        assert [(row.card, row.why) for row in db.execute(unsettled.select())] == [
            ("K3f9Qz", "verdict")
        ]


def test_repeating_a_request_changes_nothing(judged: Api) -> None:
    first, again = post(judged, Role.SUPERVISOR), post(judged, Role.SUPERVISOR)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert len(judged.get("devices/bin-001/verdicts")["verdicts"]) == 1
    other = post(judged, Role.SUPERVISOR, verdict="correct")
    assert (other.status_code, other.json()["type"][-14:]) == (409, "request-reused")


def test_the_inspector_has_the_last_word(judged: Api) -> None:
    post(judged, Role.INSPECTOR)
    outranked = post(judged, Role.SUPERVISOR, id="request-0002", verdict="correct").json()
    assert (outranked["verdict"], outranked["standing"]) == ("correct", "incorrect")
    assert correct(judged) == (10, 9)
    assert post(judged, Role.OFFICE, id="request-0003", verdict="correct").status_code == 201
    assert correct(judged) == (10, 10)
    kept = judged.get("devices/bin-001/verdicts?from=2026-11-23&to=2026-11-23&limit=2")
    assert [row["who"] for row in kept["verdicts"]] == ["office", "supervisor"]
    assert {row["standing_judge"] for row in kept["verdicts"]} == {"inspector"}
    rest = judged.get(
        f"devices/bin-001/verdicts?from=2026-11-23&to=2026-11-23&cursor={kept['next']}"
    )
    assert ([row["who"] for row in rest["verdicts"]], rest["next"]) == (["inspector"], None)
    table = judged.client.get(
        "/api/v1/devices/bin-001/verdicts?format=csv", headers=judged.as_(Role.CREW)
    )
    assert WHY in table.text


def test_what_cannot_be_judged_is_said(judged: Api) -> None:
    unknown = post(judged, Role.SUPERVISOR, at="2026-11-23T11:00:00.000183+08:00")
    assert (unknown.status_code, unknown.json()["parameter"]) == (404, "at")
    assert post(judged, Role.SUPERVISOR, device="nowhere").status_code == 404
    for field, value in (
        ("why", ""),
        ("verdict", "fine"),
        ("at", "2026-11-23T11:00:00"),
        ("id", "x"),
    ):
        refused = post(judged, Role.SUPERVISOR, **{field: value})
        assert (refused.status_code, refused.json()["parameter"]) == (422, field)
    assert post(judged, Role.CREW).status_code == 403
    bound = Tokens(judged.parts.database).create("elm's", Role.SUPERVISOR, "elm")
    address = "/api/v1/devices/bin-001/verdicts"
    elms = {"Authorization": f"Bearer {bound}"}
    assert judged.client.post(address, json=SAID, headers=elms).status_code == 403
    assert correct(judged) == (10, 10)
