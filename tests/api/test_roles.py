"""Every endpoint's rule is written down, and every role is let in or kept out by it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.security import Allow
from smartbin.records.principals import Role
from tests.api.conftest import Api
from tests.real import ROOT

FILLED = {"device": "bin-001", "community": "oak", "account": "acc-oak-1"}
Rule = tuple[str, str]


def routes(api: Api) -> list[APIRoute]:
    app: Any = api.client.app
    nested = [getattr(r, "original_router", None) for r in app.routes]
    every = [*app.routes, *(route for router in nested if router for route in router.routes)]
    return [route for route in every if isinstance(route, APIRoute)]


def roles_of(route: APIRoute) -> frozenset[Role] | None:
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Allow):
            return dependency.call.roles
    return None


def shown(roles: frozenset[Role] | None) -> str:
    if roles is None:
        return "NO RULE"
    if Role.PUBLIC in roles:
        return "public"
    return ", ".join(role for role in Role if role in roles)


def rules(api: Api) -> dict[Rule, str]:
    return {
        (method, route.path): shown(roles_of(route))
        for route in routes(api)
        if route.include_in_schema
        for method in route.methods or ()
    }


def documented() -> dict[Rule, str]:
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `(\w+) (\S+)` \| (.+?) \|$", text, re.M)
    return {(method, path): roles for method, path, roles in found}


def test_every_endpoint_has_the_rule_that_is_written_down(api: Api) -> None:
    are, said = rules(api), documented()
    assert len(are) > 15
    lines = [
        f"| `{method} {path}` | {roles} |"
        for (method, path), roles in are.items()
        if said.get((method, path)) != roles
    ]
    assert lines == [], "docs/roles.md must say"
    assert said.keys() - are.keys() == set(), "docs/roles.md tells of what is no more"


def test_the_screens_are_everybodys(api: Api) -> None:
    hidden = [route for route in routes(api) if not route.include_in_schema]
    assert hidden
    assert {shown(roles_of(route)) for route in hidden} == {"public"}


@pytest.mark.parametrize("role", Role)
def test_every_route_lets_in_its_roles_and_nobody_else(api: Api, role: Role) -> None:
    for route in routes(api):
        if route.path.endswith(("/live", "/session")) or not route.include_in_schema:
            continue  # an endless answer, a sign-in, a screen: their rule is in the tests above
        names = re.findall(r"{(\w+)}", route.path)
        path = route.path.format(**{name: FILLED.get(name, "none") for name in names})
        roles = roles_of(route) or frozenset()
        for method in route.methods or ():
            body: dict[str, str] | None = None if method == "GET" else {}
            status = api.client.request(method, path, headers=api.as_(role), json=body).status_code
            if Role.PUBLIC in roles or role in roles:
                assert status not in (401, 403, 405), (method, path, status)
                assert status < 500 or status == 503, (method, path, status)
            else:
                assert status == (403 if api.as_(role) else 401), (method, path, status)


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
