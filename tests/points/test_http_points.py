"""Points over HTTP: explained, masked, paid once, and each for whom they concern."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from smartbin.facts.events import Verdict
from smartbin.people.principals import Role
from smartbin.settings import SiteSettings
from tests.api.client import ACCOUNT, NOON_US, PAGE, TODAY, Api
from tests.points.books import Books, kitchen, tariff_file
from tests.real import until

DAY = TODAY - timedelta(days=5)
TABLE = (
    "card,kind,community,from,to,account\n"
    f"H1,household,oak,2025-01-01,,{ACCOUNT}\n"
    "H2,household,oak,2025-01-01,,22222222\n"
    "H3,household,elm,2025-01-01,,33333333\n"
    "E1,enterprise,oak,2025-01-01,,shop-oak-1\n"
)
TISSUES = {"id": "tissues", "name": "纸巾", "name_en": "Tissues", "price": 20, "stock": 3}


@pytest.fixture
def books(api: Api, tmp_path: Path) -> Books:
    """Accounts, three of whom deposited five days ago."""
    kept = Books(api.parts.database, tmp_path)
    kept.load(TABLE)
    kept.keep(
        kitchen(0, day=DAY), kitchen(2, day=DAY), kitchen(4, day=DAY),
        kitchen(1, "H2", day=DAY), kitchen(3, "E1", day=DAY, weight_g=9000),
    )  # fmt: skip
    kept.settle(NOON_US)
    return kept


def post(api: Api, path: str, body: Any, role: Role = Role.OFFICE) -> tuple[int, Any]:
    answer = api.client.post(f"/api/v1/{path}", json=body, headers=api.as_(role))
    return answer.status_code, answer.json()


def test_a_community_shows_what_was_given_and_masked_codes_only(api: Api, books: Books) -> None:
    post(api, f"accounts/{ACCOUNT}/adjustments",
         {"request_id": "gift-0001", "points": 7, "reason": "a prize"})  # fmt: skip
    found = api.get(f"communities/oak/points?from={DAY}&to={TODAY}", Role.PUBLIC)
    assert (found["earned"], found["adjusted"], found["given"]) == (50 + 25 + 95, 7, 177)
    assert (found["spent"], found["expired"], found["accounts"]) == (0, 0, 3)
    assert found["top"] == [
        {"rank": 1, "account": "ac***1", "points": 50},
        {"rank": 2, "account": "22***2", "points": 25},
    ]
    assert api.get(f"communities/oak/points?from={DAY}&to={DAY}", Role.PUBLIC)["given"] == 170
    year = f"communities/oak/points?from={TODAY - timedelta(days=399)}&to={TODAY}&top=1"
    assert api.get(year, Role.PUBLIC)["top"] == [{"rank": 1, "account": "ac***1", "points": 50}]
    assert api.get("communities/elm/points", Role.PUBLIC)["top"] == []
    table = api.client.get("/api/v1/communities/oak/points?format=csv").text.lstrip("\ufeff")
    assert table.splitlines() == ["rank,account,points", "1,ac***1,50", "2,22***2,25"]


def test_a_statement_explains_every_line_and_adds_up(api: Api, books: Books) -> None:
    books.keep(kitchen(0, day=DAY + timedelta(days=1)))  # not settled yet
    books.judge(kitchen(2, day=DAY), Verdict.INCORRECT, NOON_US)
    found = api.get(f"accounts/{ACCOUNT}/statement?from={DAY}&to={TODAY}", Role.RESIDENT)
    kinds = [(line["kind"], line["points"]) for line in found["lines"]]
    assert kinds == [
        ("unsettled", -25), ("deposit", 25), ("deposit", 25), ("deposit", 0), ("deposit", 25)
    ]  # fmt: skip
    assert found["opening"] + sum(points for _, points in kinds) == found["closing"]
    assert found["closing"] == found["balance"] == books.balance(ACCOUNT) == 50
    assert found["unsettled"] == 25
    assert all(line["zh"] and line["en"] for line in found["lines"])
    misjudged = found["lines"][-2]
    assert "督导员" in misjudged["zh"]
    assert "supervisor" in misjudged["en"]


def test_a_statement_comes_in_pages_and_as_a_table(api: Api, books: Books) -> None:
    path = f"accounts/{ACCOUNT}/statement?from={DAY}&to={TODAY}"
    every = api.get(path, Role.OFFICE)["lines"]
    pages: list[Any] = []
    query: str | None = ""
    while query is not None:
        page = api.get(f"{path}&limit=2{query}", Role.OFFICE)
        pages += page["lines"]
        query = page["next"] and f"&cursor={page['next']}"
    assert pages == every
    assert len(every) == 3
    answer = api.client.get(f"/api/v1/{path}&format=csv", headers=api.as_(Role.OFFICE))
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert [int(row["points"]) for row in rows] == [25, 25, 0]
    assert rows[0]["door"] == "kitchen"


def test_a_correction_after_spending_is_explained_and_blocks(api: Api, books: Books) -> None:
    post(api, "rewards", TISSUES)
    wish = {"request_id": "wish-0001", "reward": "tissues", "quantity": 2}
    assert post(api, f"accounts/{ACCOUNT}/redemptions", wish, Role.RESIDENT)[0] == 201
    for n in (0, 2, 4):
        books.judge(kitchen(n, day=DAY), Verdict.INCORRECT, NOON_US)
    books.settle(NOON_US)
    found = api.get(f"accounts/{ACCOUNT}/statement?from={DAY}&to={TODAY}", Role.RESIDENT)
    assert found["balance"] == found["closing"] == -40
    assert found["opening"] + sum(line["points"] for line in found["lines"]) == -40
    assert "50" in found["notes"][0]["zh"]
    assert "-40" in found["notes"][-1]["en"]
    later = api.get(f"accounts/{ACCOUNT}/statement?from={TODAY}&to={TODAY}", Role.RESIDENT)
    [note] = later["notes"]
    assert note["at"].startswith(TODAY.isoformat()), "also where the correction is not in the days"
    assert "-40" in note["en"]
    status, problem = post(
        api, f"accounts/{ACCOUNT}/redemptions", {**wish, "request_id": "wish-0002"}, Role.RESIDENT
    )
    assert (status, problem["type"]) == (409, "urn:smartbin:problem:too-few-points")
    assert problem["balance"] == -40


def test_redeeming_repeating_cancelling_and_handing_over(api: Api, books: Books) -> None:
    assert post(api, "rewards", TISSUES)[0] == 200
    assert api.get("rewards", Role.PUBLIC)["rewards"] == [{**TISSUES, "offered": True}]
    wish = {"request_id": "wish-0001", "reward": "tissues", "quantity": 1}
    path = f"accounts/{ACCOUNT}/redemptions"
    first = post(api, path, wish, Role.RESIDENT)
    assert first[0] == 201
    assert first[1]["balance"] == 30
    assert post(api, path, wish, Role.RESIDENT) == first
    status, problem = post(api, path, {**wish, "quantity": 2}, Role.RESIDENT)
    assert (status, problem["type"]) == (409, "urn:smartbin:problem:request-reused")
    number = first[1]["id"]
    assert post(api, f"accounts/22222222/redemptions/{number}/cancel", None)[0] == 404
    done = post(api, f"{path}/{number}/cancel", None, Role.RESIDENT)
    assert done[1]["state"] == "cancelled"
    assert post(api, f"redemptions/{number}/handover", None)[0] == 409
    second = post(api, path, {**wish, "request_id": "wish-0002"}, Role.RESIDENT)[1]["id"]
    answer = post(api, f"redemptions/{second}/handover", None, Role.COMMUNITY)
    assert answer[1]["state"] == "handed_over"
    listed = api.get("redemptions?state=handed_over", Role.COMMUNITY)["redemptions"]
    assert [row["id"] for row in listed] == [second]
    mine = api.get(f"{path}?limit=1", Role.RESIDENT)
    assert [row["id"] for row in mine["redemptions"]] == [second]
    whole = api.get(f"{path}?limit=2", Role.RESIDENT)
    assert (len(whole["redemptions"]), whole["next"]) == (2, None)  # nothing lies behind
    rest = api.get(f"{path}?cursor={mine['next']}", Role.RESIDENT)
    assert [row["id"] for row in rest["redemptions"]] == [number]
    assert api.get("rewards", Role.PUBLIC)["rewards"][0]["stock"] == 2
    post(api, "rewards", {**TISSUES, "offered": False})
    assert api.get("rewards", Role.PUBLIC)["rewards"] == []
    assert len(api.get("rewards?every=true", Role.PUBLIC)["rewards"]) == 1


def test_a_community_hands_over_its_own_only(api: Api, books: Books) -> None:
    post(api, "rewards", TISSUES)
    post(api, "accounts/33333333/adjustments",
         {"request_id": "gift-0001", "points": 20, "reason": "a prize"})  # fmt: skip
    wish = {"request_id": "wish-0001", "reward": "tissues"}
    number = post(api, "accounts/33333333/redemptions", wish)[1]["id"]
    assert post(api, f"redemptions/{number}/handover", None, Role.COMMUNITY)[0] == 403
    assert api.get("redemptions", Role.COMMUNITY)["redemptions"] == []
    assert len(api.get("redemptions", Role.OFFICE)["redemptions"]) == 1


def test_a_resident_sees_their_own_account_only(api: Api, books: Books) -> None:
    for path in ("", "/statement", "/redemptions"):
        for account, status in ((ACCOUNT, 200), ("22222222", 403)):
            answer = api.client.get(
                f"/api/v1/accounts/{account}{path}", headers=api.as_(Role.RESIDENT)
            )
            assert answer.status_code == status
    assert api.client.get(f"/api/v1/accounts/{ACCOUNT}").status_code == 401
    shown = api.get(f"accounts/{ACCOUNT}", Role.RESIDENT)
    assert shown == {
        "account": ACCOUNT, "kind": "household", "community": "oak", "balance": 50,
        "spendable": 50, "held": 0,
        "cards": [{"card": "H1", "community": "oak", "from": "2025-01-01", "to": None}],
    }  # fmt: skip


def test_the_office_lists_accounts_in_pages(api: Api, books: Books) -> None:
    every = api.get("accounts", Role.OFFICE)
    assert [row["account"] for row in every["accounts"]] == [
        "22222222", "33333333", ACCOUNT, "shop-oak-1"
    ]  # fmt: skip
    first = api.get("accounts?limit=2&community=oak", Role.OFFICE)
    assert [row["account"] for row in first["accounts"]] == ["22222222", ACCOUNT]
    assert [row["account"] for row in api.get("accounts?q=2", Role.OFFICE)["accounts"]] == [
        "22222222"
    ]
    held = api.get("accounts?card=E1", Role.OFFICE)["accounts"]
    assert [row["account"] for row in held] == ["shop-oak-1"]
    assert api.get("accounts?q=%25", Role.OFFICE)["accounts"] == []
    rest = api.get(f"accounts?cursor={first['next']}&community=oak", Role.OFFICE)
    assert ([row["account"] for row in rest["accounts"]], rest["next"]) == (
        ["shop-oak-1"], None
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (f"accounts/{ACCOUNT}/adjustments", {"request_id": "a", "points": 1, "reason": "x"},
         "request_id"),
        (f"accounts/{ACCOUNT}/adjustments", {"request_id": "gift-0001", "points": 1}, "reason"),
        (f"accounts/{ACCOUNT}/redemptions", {"request_id": "gift-0001", "reward": "../x"},
         "reward"),
        ("rewards", {**TISSUES, "price": 0}, "price"),
        ("rewards", {**TISSUES, "prize": 1}, "prize"),
    ],
)  # fmt: skip
def test_bad_bodies_name_the_field(api: Api, path: str, body: Any, named: str) -> None:
    status, problem = post(api, path, body)
    assert status == 422
    assert problem["parameter"] == named


def test_unknown_accounts_are_told_apart_from_empty_ones(api: Api, books: Books) -> None:
    for path in ("accounts/nobody", "accounts/nobody/statement"):
        answer = api.client.get(f"/api/v1/{path}", headers=api.as_(Role.OFFICE))
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:smartbin:problem:unknown-account"


def test_the_api_settles_by_itself(api: Api, books: Books, tmp_path: Path) -> None:
    books.keep(kitchen(6, "H2", day=DAY))
    settings = SiteSettings(tariff=tariff_file(tmp_path), settle_every_s=0.01)
    with TestClient(create_app(api.parts, settings), headers=PAGE) as client:
        until(lambda: books.balance("22222222") == 50, "the deposit's points are booked")
        until(lambda: "ledger_entries_total 1.0" in client.get("/metrics").text, "it is counted")
