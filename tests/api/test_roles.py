"""Every endpoint's rule is written down, and every role is let in or kept out by it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.security import Allow, Everyone
from smartbin.people.principals import Role
from tests.api.conftest import Api
from tests.real import ROOT

FILLED = {"device": "bin-001", "community": "oak", "account": "acc-oak-1"}
Rule = tuple[str, str]


def routes(app: Any) -> list[APIRoute]:
    nested = [getattr(r, "original_router", None) for r in app.routes]
    every = [*app.routes, *(route for router in nested if router for route in router.routes)]
    return [route for route in every if isinstance(route, APIRoute)]


def roles_of(route: APIRoute) -> frozenset[Role] | None:
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Allow | Everyone):
            return dependency.call.roles
    return None


def shown(roles: frozenset[Role] | None) -> str:
    if roles is None:
        return "NO RULE"
    if Role.PUBLIC in roles:
        return "public"
    return ", ".join(role for role in Role if role in roles)


def rules(app: Any) -> dict[Rule, str]:
    return {
        (method, route.path): shown(roles_of(route))
        for route in routes(app)
        if route.include_in_schema
        for method in route.methods or ()
    }


def documented() -> dict[Rule, str]:
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `(\w+) (\S+)` \| (.+?) \|$", text, re.M)
    return {(method, path): roles for method, path, roles in found}


def test_every_endpoint_has_the_rule_that_is_written_down(api: Api) -> None:
    are, said = rules(api.client.app), documented()
    assert len(are) > 50
    lines = [
        f"| `{method} {path}` | {roles} |"
        for (method, path), roles in are.items()
        if said.get((method, path)) != roles
    ]
    assert lines == [], "docs/roles.md must say"
    assert said.keys() - are.keys() == set(), "docs/roles.md tells of what is no more"


def test_the_screens_are_everybodys(api: Api) -> None:
    hidden = [route for route in routes(api.client.app) if not route.include_in_schema]
    assert hidden
    assert {shown(roles_of(route)) for route in hidden} == {"public"}


def test_a_route_without_a_rule_is_found() -> None:
    app = FastAPI()
    app.get("/api/v1/new")(lambda: "everything")
    assert rules(app) == {("GET", "/api/v1/new"): "NO RULE"}


def asked(api: Api, method: str, path: str, role: Role, **ids: str) -> int:
    """The status of a request that its role alone decides on: nothing else of it is right."""
    names = re.findall(r"{(\w+)}", path)
    filled = path.format(**{name: {**FILLED, **ids}.get(name, "none") for name in names})
    body: dict[str, str] | None = None if method == "GET" else {}
    if path.endswith("/live"):
        filled += "?community=none"  # let in, one would listen for ever
    return api.client.request(method, filled, headers=api.as_(role), json=body).status_code


@pytest.mark.parametrize("role", Role)
def test_every_route_lets_in_its_roles_and_nobody_else(api: Api, role: Role) -> None:
    every = [(r, m) for r in routes(api.client.app) for m in r.methods or () if r.include_in_schema]
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
        for route in routes(api.client.app)
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
