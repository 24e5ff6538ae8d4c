"""Signing in, staying signed in, and being signed out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from smartbin.core import calendar
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.throttle import BY_BROWSER, BY_NAME
from smartbin.people.users import Users
from tests.api.client import NOON_US, PAGE, Api

FULL = "/api/v1/bins/full"
SESSION = "/api/v1/session"
PASSWORD = "four quiet lorries"
HOUR_US = calendar.US_PER_HOUR


@pytest.fixture
def users(api: Api) -> Users:
    found = Users(api.parts.database, Passwords())
    found.create("li.wei", Role.CREW, None, PASSWORD, NOON_US)
    return found


def sign_in(client: TestClient, password: str = PASSWORD, name: str = "li.wei") -> Any:
    return client.post(SESSION, json={"name": name, "password": password})


def at(api: Api, now_us: int) -> TestClient:
    """The same stores at another time, asked by the same browser."""
    client = TestClient(create_app(replace(api.parts, now_us=lambda: now_us)), headers=PAGE)
    client.cookies = api.client.cookies
    return client


def test_name_and_password_sign_in_until_sign_out(api: Api, users: Users) -> None:
    assert api.client.get(FULL).status_code == 401
    assert api.client.get(SESSION).status_code == 401
    me = {"name": "li.wei", "role": "crew", "community": None, "account": None}
    assert api.client.get(SESSION).status_code == 401
    answer = sign_in(api.client).json()
    assert api.client.get(SESSION).json() == answer
    may = answer.pop("may")
    assert not answer.pop("must_change")
    assert answer == me
    assert {"GET /api/v1/bins/full", "POST /api/v1/rounds", "GET /api/v1/site"} <= set(may)
    assert "GET /api/v1/accounts" not in may
    assert api.client.get(FULL).status_code == 200
    kept = dict(api.client.cookies)
    assert api.client.delete(SESSION).status_code == 204
    assert api.client.get(FULL).status_code == 401
    copied = {"Cookie": f"smartbin_session={kept['smartbin_session']}"}
    assert api.client.get(FULL, headers=copied).status_code == 401  # ended, not only forgotten


def test_no_script_and_no_other_site_can_use_the_cookie(api: Api, users: Users) -> None:
    answer = sign_in(api.client)
    cookie = answer.headers["Set-Cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/api"} <= set(cookie.split("; "))
    assert "secure" not in cookie
    assert api.client.cookies["smartbin_session"] not in answer.text
    over_tls = TestClient(api.client.app, base_url="https://testserver", headers=PAGE)
    assert "secure" in sign_in(over_tls).headers["Set-Cookie"].lower().split("; ")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Requested-With": ""},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Origin": "https://other.example"},
        {"Origin": "null"},
    ],
)
def test_another_sites_page_changes_nothing(
    api: Api, users: Users, headers: dict[str, str]
) -> None:
    sign_in(api.client)
    answer = api.client.delete(SESSION, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:smartbin:problem:other-site")
    assert api.client.post(SESSION, json={}, headers=headers).status_code == 403
    assert api.client.get(FULL).status_code == 200
    own = {"Origin": "http://testserver"}
    assert api.client.delete(SESSION, headers=own).status_code == 204


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(api: Api, users: Users) -> None:
    users.create("zhao", Role.OFFICE, None, PASSWORD, NOON_US)
    users.disable("zhao", NOON_US)
    answers = [
        sign_in(api.client, "guessed"),
        sign_in(api.client, "guessed", "nobody"),
        sign_in(api.client, PASSWORD, "zhao"),
    ]
    assert {(a.status_code, a.text, "Set-Cookie" in a.headers) for a in answers} == {
        (401, answers[0].text, False)
    }


def test_after_some_failures_unknown_browsers_wait_and_known_ones_do_not(
    api: Api, users: Users
) -> None:
    assert sign_in(api.client).status_code == 200
    stranger = TestClient(api.client.app, headers=PAGE)
    for _ in range(BY_NAME.free):
        assert sign_in(stranger, "guessed").status_code == 401
    now_us = NOON_US
    for _ in range(3):
        at_another_time = at(api, now_us)
        at_another_time.cookies = stranger.cookies
        refused = sign_in(at_another_time)  # not even the right one passes, here or on a replica
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) == refused.json()["wait_s"] == BY_NAME.leak_s
        assert sign_in(at(api, now_us)).status_code == 200  # its own browser does
        now_us += BY_NAME.leak_s * calendar.US_PER_S
        assert sign_in(at_another_time, "guessed").status_code == 429
        later = at(api, now_us)
        later.cookies = stranger.cookies
        assert sign_in(later, "guessed").status_code == 401
    assert sign_in(stranger, PASSWORD, "nobody").status_code == 401  # others do not wait


def test_full_width_digits_are_digits(api: Api, users: Users) -> None:
    users.create("code7", Role.CREW, None, "four 1234 quiet lorries", NOON_US)
    assert sign_in(api.client, "four １２３４ quiet lorries", "code7").status_code == 200


def change(client: TestClient, old: str, new: str) -> Any:
    return client.post(f"{SESSION}/password", json={"old": old, "new": new})


def test_everybody_changes_their_own_password(api: Api, users: Users) -> None:
    elsewhere = TestClient(api.client.app, headers=PAGE)
    for client in (api.client, elsewhere):
        assert sign_in(client).status_code == 200
    assert change(api.client, "guessed", "seven late sparrows").json()["parameter"] == "old"
    for weak in ("1234567890", "password12", "li.wei li.wei", PASSWORD):
        answer = change(api.client, PASSWORD, weak)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
            422,
            "weak-password",
        ), weak
    assert change(api.client, PASSWORD, "seven late sparrows").status_code == 204
    assert api.client.get(FULL).status_code == 200  # this session stays, the others end
    assert elsewhere.get(FULL).status_code == 401
    assert sign_in(elsewhere).status_code == 401
    assert sign_in(elsewhere, "seven late sparrows").status_code == 200


def test_guesses_at_the_old_password_are_failed_sign_ins(api: Api, users: Users) -> None:
    assert sign_in(api.client).status_code == 200
    statuses = [change(api.client, "guessed", "seven late sparrows").status_code for _ in range(12)]
    assert statuses == [422] * BY_BROWSER.free + [429] * (12 - BY_BROWSER.free)
    bearer = api.as_(Role.OFFICE)
    answer = api.client.post(
        f"{SESSION}/password", json={"old": "x", "new": "seven late sparrows"}, headers=bearer
    )
    assert answer.status_code == 409  # a program has no password


def test_a_password_that_another_chose_is_changed_first(api: Api) -> None:
    new = {"name": "zhang", "role": "crew", "password": PASSWORD}
    made = api.client.post("/api/v1/users", json=new, headers=api.as_(Role.OFFICE))
    assert made.status_code == 201
    own = TestClient(api.client.app, headers=PAGE)
    assert sign_in(own, name="zhang").json()["must_change"]
    refused = own.get(FULL)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (
        403,
        "password-change",
    )
    assert own.get("/api/v1/sessions").status_code == 403
    assert change(own, PASSWORD, "seven late sparrows").status_code == 204
    assert own.get(FULL).status_code == 200
    assert not own.get(SESSION).json()["must_change"]
    path = "/api/v1/users/zhang/password"
    body = {"password": "nine early owls"}
    assert api.client.post(path, json=body, headers=api.as_(Role.OFFICE)).status_code == 204
    assert sign_in(own, "nine early owls", "zhang").json()["must_change"]


def test_a_session_ends_when_unused_and_when_old(api: Api, users: Users) -> None:
    sign_in(api.client)
    day_us = 24 * HOUR_US
    assert at(api, NOON_US + 6 * day_us).get(FULL).status_code == 200
    assert at(api, NOON_US + 12 * day_us).get(FULL).status_code == 200  # used meanwhile
    assert at(api, NOON_US + 20 * day_us).get(FULL).status_code == 401  # 8 days unused
    sign_in(api.client)
    for day in range(5, 30, 5):
        assert at(api, NOON_US + day * day_us).get(FULL).status_code == 200
    assert at(api, NOON_US + 30 * day_us).get(FULL).status_code == 401


def test_a_new_password_and_disabling_end_every_session(api: Api, users: Users) -> None:
    sign_in(api.client)
    users.set_password("li.wei", "another four lorries")
    assert api.client.get(FULL).status_code == 401
    assert sign_in(api.client, "another four lorries").status_code == 200
    users.disable("li.wei", NOON_US)
    assert api.client.get(FULL).status_code == 401
    users.enable("li.wei")
    assert api.client.get(FULL).status_code == 401
    assert sign_in(api.client, "another four lorries").status_code == 200


def test_sessions_are_listed_and_ended_ones_own_only(api: Api, users: Users) -> None:
    users.create("zhao", Role.OFFICE, None, PASSWORD, NOON_US)
    sign_in(api.client)
    other = TestClient(api.client.app, headers=PAGE)
    sign_in(other, name="zhao")
    listed = api.client.get("/api/v1/sessions").json()["sessions"]
    assert [(one["name"], one["role"], one["here"]) for one in listed] == [("li.wei", "crew", True)]
    path = f"/api/v1/sessions/{listed[0]['id']}"
    assert other.delete(path).status_code == 404
    admin = api.as_(Role.ADMIN)
    every = other.get("/api/v1/sessions", headers=admin).json()["sessions"]
    assert {(one["name"], one["here"]) for one in every} == {("li.wei", False), ("zhao", True)}
    assert other.delete(path, headers=admin).status_code == 204
    assert api.client.get(FULL).status_code == 401
    assert other.get(FULL).status_code == 200


def test_one_person_has_a_bounded_number_of_sessions(api: Api, users: Users) -> None:
    sign_in(api.client)
    first = dict(api.client.cookies)["smartbin_session"]
    later: Any = at(api, NOON_US + 1).app
    for _ in range(20):
        phone = TestClient(later, headers=PAGE)
        sign_in(phone)
        cookie = {"Cookie": f"smartbin_session={phone.cookies['smartbin_session']}"}
    listed = api.client.get("/api/v1/sessions", headers=cookie).json()["sessions"]
    assert len(listed) == 20
    gone = {"Cookie": f"smartbin_session={first}"}
    assert api.client.get(FULL, headers=gone).status_code == 401
