"""Every endpoint's rule is written down, and every role is let in or kept out by it."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI

from api.endpoints import API, endpoints, permitted, roles_of, routes_of
from smartbin.people.principals import Role
from tests.api.client import Api

FILLED = {"device": "bin-001", "community": "oak", "account": "acc-oak-1"}


def app_of(api: Api) -> FastAPI:
    app = api.client.app
    assert isinstance(app, FastAPI)
    return app


def test_every_endpoint_has_a_rule_and_a_description(api: Api) -> None:
    every = endpoints(app_of(api))
    assert len(every) > 50
    assert [one.operation for one in every if one.who == "NO RULE"] == [], "name its roles"
    assert [one.operation for one in every if len(one.description) < 12] == [], "say what it does"


def test_what_a_session_says_one_may_do_is_what_one_may_do(api: Api) -> None:
    may = permitted(app_of(api))
    assert "POST /api/v1/rounds" in may[Role.CREW]
    assert "POST /api/v1/rounds" not in may[Role.COMMUNITY]
    assert may[Role.PUBLIC] == [
        one.operation for one in endpoints(app_of(api)) if one.who == "public" and API in one.path
    ]


def test_the_screens_are_everybodys(api: Api) -> None:
    hidden = [route for route in routes_of(app_of(api)) if not route.include_in_schema]
    assert hidden
    assert all(Role.PUBLIC in (roles_of(route) or ()) for route in hidden)


def test_a_route_without_a_rule_is_found() -> None:
    app = FastAPI()
    app.get("/api/v1/new")(lambda: "everything")
    (found,) = endpoints(app)
    assert (found.operation, found.who, found.description) == ("GET /api/v1/new", "NO RULE", "")


def asked(api: Api, method: str, path: str, role: Role, **ids: str) -> int:
    """The status of a request that its role alone decides on: nothing else of it is right."""
    names = re.findall(r"{(\w+)}", path)
    filled = path.format(**{name: {**FILLED, **ids}.get(name, "none") for name in names})
    body: dict[str, str] | None = None if method == "GET" else {}
    if path.endswith("/live"):
        filled += "?community=none"  # let in, one would listen forever
    return api.client.request(method, filled, headers=api.as_(role), json=body).status_code


@pytest.mark.parametrize("role", Role)
def test_every_route_lets_in_its_roles_and_nobody_else(api: Api, role: Role) -> None:
    every = [(r, m) for r in routes_of(app_of(api)) for m in r.methods or () if r.include_in_schema]
    for route, method in every:
        roles = roles_of(route) or frozenset()
        status = asked(api, method, route.path, role)
        what = (method, route.path, status)
        if what == ("GET", "/api/v1/session", 401):
            assert role is not Role.RESIDENT, what  # the others hold tokens: nobody is signed in
        elif role in roles:
            assert status not in (401, 403, 405), what
            assert status < 500 or status == 503, what
        else:
            assert status == (403 if api.as_(role) else 401), what


@pytest.mark.parametrize(
    ("role", "ids"),
    [
        (Role.COMMUNITY, {"community": "elm", "device": "bin-002"}),
        (Role.RESIDENT, {"account": "acc-elm-1"}),
    ],
)
def test_no_route_shows_who_is_bound_what_is_anothers(
    api: Api, role: Role, ids: dict[str, str]
) -> None:
    bound = [
        (method, route.path)
        for route in routes_of(app_of(api))
        for method in route.methods or ()
        if role in (roles := roles_of(route) or frozenset())
        and Role.PUBLIC not in roles
        and any(f"{{{name}}}" in route.path for name in ids)
    ]
    assert len(bound) >= 4
    for method, path in bound:
        assert asked(api, method, path, role, **ids) == 403, (method, path)


def test_a_guessed_token_is_nobodys(api: Api) -> None:
    stranger = {"Authorization": "Bearer guessed"}
    assert api.client.get("/api/v1/bins/full", headers=stranger).status_code == 401


def test_a_community_sees_its_own_and_nobody_elses(api: Api) -> None:
    oak = api.as_(Role.COMMUNITY)
    doors = api.get("bins/full", Role.COMMUNITY)["doors"]
    assert {door["community"] for door in doors} == {"oak"}
    assert {d["community"] for d in api.get("bins/full", Role.OFFICE)["doors"]} >= {"oak", "elm"}
    assert api.client.get("/api/v1/devices/bin-001", headers=oak).status_code == 200
    for path in ("devices/bin-002", "bins/bin-002/levels", "devices/bin-002/deposits"):
        answer = api.client.get(f"/api/v1/{path}", headers=oak)
        assert (answer.status_code, answer.json()["status"]) == (403, 403)
        assert "oak" in answer.json()["detail"]
    assert api.client.get("/api/v1/devices/bin-00", headers=oak).status_code == 404
