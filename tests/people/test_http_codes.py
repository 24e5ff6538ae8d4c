"""A resident signs in with their card and a one-time code, and is bound to their account."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from smartbin.accounts.store import Accounts
from smartbin.core import calendar
from smartbin.people.principals import Role
from tests.api.client import NOON_US, PAGE, Api

HOME, OTHER = "11111111", "22222222"
TABLE = (
    "card,kind,community,from,to,account\n"
    f"H1,household,oak,2025-01-01,,{HOME}\n"
    f"H2,household,elm,2025-01-01,,{OTHER}\n"
    f"H0,household,oak,2024-01-01,2024-12-31,{HOME}\n"
)
SESSION = "/api/v1/session"


@pytest.fixture
def homes(api: Api, tmp_path: Path) -> Api:
    table = tmp_path / "accounts.csv"
    table.write_text(TABLE, encoding="utf-8")
    Accounts(api.parts.database).load(table, api.parts.registry.communities, NOON_US)
    return api


def new_code(api: Api, account: str = HOME) -> str:
    path = f"/api/v1/accounts/{account}/codes"
    answer = api.client.post(path, headers=api.as_(Role.OFFICE))
    assert answer.status_code == 200, answer.text
    code: str = answer.json()["code"]
    assert len(code) == 8
    assert code.isdigit()
    return code


def at(api: Api, now_us: int) -> TestClient:
    return TestClient(create_app(replace(api.parts, now_us=lambda: now_us)), headers=PAGE)


def enter(client: TestClient, code: str, card: str = "H1") -> Any:
    return client.post(SESSION, json={"card": card, "code": code})


def test_a_code_signs_its_resident_in_once(homes: Api) -> None:
    code = new_code(homes)
    signed_in = enter(homes.client, f"{code[:4]} {code[4:]}")
    me = signed_in.json()
    assert "GET /api/v1/accounts/{account}" in me.pop("may")
    assert not me.pop("must_change")
    assert me == {"name": HOME, "role": "resident", "community": None, "account": HOME}
    assert homes.client.get(SESSION).json()["account"] == HOME
    assert homes.client.get("/api/v1/bins/full").status_code == 403
    again = TestClient(homes.client.app, headers=PAGE)
    assert enter(again, code).status_code == 401


def test_only_the_newest_code_only_of_the_account_only_for_its_card_now(homes: Api) -> None:
    older, newer = new_code(homes), new_code(homes)
    client = homes.client
    wrong = [
        enter(client, older),
        enter(client, newer, "H2"),
        enter(client, newer, "H0"),  # a card the account no longer has
        enter(client, newer, "nobody"),
        enter(client, "00000000"),
    ]
    assert {(answer.status_code, answer.text) for answer in wrong} == {(401, wrong[0].text)}
    assert enter(client, newer).status_code == 200


def test_a_code_expires(homes: Api) -> None:
    code = new_code(homes)
    day_us = 24 * calendar.US_PER_HOUR
    assert enter(at(homes, NOON_US + day_us), code).status_code == 401


def test_five_wrong_codes_and_the_right_one_is_dead(homes: Api) -> None:
    code = new_code(homes)
    guess = f"{(int(code) + 1) % 10**8:08}"
    for minute in range(0, 50, 10):  # slow enough for the throttle
        now_us = NOON_US + minute * 60 * calendar.US_PER_S
        assert enter(at(homes, now_us), guess).status_code == 401
    assert enter(at(homes, NOON_US + calendar.US_PER_HOUR), code).status_code == 401


def test_a_code_is_made_for_an_account_that_exists_and_by_the_office(homes: Api) -> None:
    answer = homes.client.post("/api/v1/accounts/33333333/codes", headers=homes.as_(Role.OFFICE))
    assert (answer.status_code, answer.json()["type"]) == (
        404,
        "urn:smartbin:problem:unknown-account",
    )
    path = f"/api/v1/accounts/{HOME}/codes"
    assert homes.client.post(path, headers=homes.as_(Role.CREW)).status_code == 403


@pytest.mark.parametrize("body", [{"card": "H1"}, {"name": "a", "code": "1"}, {}])
def test_half_of_what_is_needed_is_refused_with_what_is_missing(
    homes: Api, body: dict[str, str]
) -> None:
    answer = homes.client.post(SESSION, json=body)
    assert answer.status_code == 422
    assert "name and password, or card and code" in answer.json()["detail"]
