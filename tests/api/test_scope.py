"""Every list, asked by every bound caller, on a site with rows of others: none of theirs shows.

The lists come from the OpenAPI document. A new one is asked too, or fails until it is said here
how to fill in its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI

from api.endpoints import Endpoint, endpoints
from smartbin.core.scope import Scope
from smartbin.people.principals import Role
from tests.api import two_communities as there
from tests.api.client import ACCOUNT, Api

# Values of parameters: what is the caller's, and what is not. None leaves a filter out.
PATHS: Mapping[str, Sequence[str]] = {
    "account": [ACCOUNT, there.NEIGHBOUR, there.STRANGER],
    "community": [there.OWN, there.FOREIGN],
    "device": ["bin-oak", "bin-moved", "bin-willow", "point-1"],
    "round": [there.OWN_ROUND, there.FOREIGN_ROUND],
}
FILTERS: Mapping[str, Sequence[str | None]] = {
    "account": [None],
    "by": [None],
    "card": [None, "card-3"],
    "category": [None],
    "collection_point": [None, "point-1"],
    "community": [None, there.FOREIGN],
    "compare": [None],
    "cursor": [None],
    "day": [None],
    "days_min": [None],
    "device": [None, "bin-moved", "bin-willow"],
    "every": [None],
    "from": ["2026-11-01"],
    "kind": [None],
    "limit": [None],
    "q": [None],
    "reason": [None],
    "state": [None],
    "threshold_pct": [None, "1"],
    "to": ["2026-11-23"],
    "top": [None],
}
# Not lists of rows: a stream that never ends (tests/live), and what the caller may do.
APART = {"GET /api/v1/live", "GET /api/v1/session"}
# A collection point serves several communities, so that no one of them may see its sums.
REFUSED = {(Role.COMMUNITY, "GET /api/v1/collection-points/{device}/sorting")}
PLACES = {there.FOREIGN, there.BEFORE, there.WHY}
PEOPLE = {there.NEIGHBOUR, there.STRANGER}
SESSIONS = {there.AGENT}


@dataclass(frozen=True)
class Bound:
    """A caller who is bound to something, and the signs of rows that are not theirs."""

    role: Role
    foreign: frozenset[str]


BOUND = [
    Bound(Role.COMMUNITY, frozenset(PLACES | SESSIONS | {there.STRANGER})),
    Bound(Role.SUPERVISOR, frozenset(PLACES | SESSIONS | {there.STRANGER})),
    Bound(Role.CREW, frozenset(PEOPLE | SESSIONS | {there.NOTE})),
    Bound(Role.RESIDENT, frozenset(PLACES | PEOPLE | SESSIONS | {there.NOTE})),
    Bound(Role.PUBLIC, frozenset(PEOPLE | SESSIONS | {there.WHY, there.NOTE})),
]
UNBOUND = {Role.INSPECTOR, Role.OFFICE, Role.ADMIN}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with there.site(tmp_path_factory.mktemp("site")) as api:
        tokens = api.parts.stores.tokens
        api.tokens[Role.SUPERVISOR] = tokens.create("bound", Role.SUPERVISOR, there.OWN)
        yield api


def lists(api: Api) -> list[Endpoint]:
    """The endpoints whose answer holds a list or is a table."""
    document = _document(api)
    return [
        one
        for one in endpoints(_app(api))
        if one.method == "GET" and one.operation not in APART and _listing(document, one.path)
    ]


def _app(api: Api) -> FastAPI:
    app = api.client.app
    assert isinstance(app, FastAPI)
    return app


def _document(api: Api) -> Any:
    return _app(api).openapi()


def _content(document: Any, path: str) -> Any:
    return document["paths"][path]["get"]["responses"]["200"].get("content", {})


def _listing(document: Any, path: str) -> bool:
    content = _content(document, path)
    return "text/csv" in content or any(
        _holds_array(document, one.get("schema", {}), ()) for one in content.values()
    )


def _holds_array(document: Any, schema: Any, seen: tuple[str, ...]) -> bool:
    if isinstance(schema, list):
        return any(_holds_array(document, one, seen) for one in schema)
    if not isinstance(schema, dict):
        return False
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        return _holds_array(document, document["components"]["schemas"][name], (*seen, name))
    return schema.get("type") == "array" or any(
        _holds_array(document, one, seen) for one in schema.values()
    )


def requests_of(one: Endpoint) -> Iterator[tuple[str, dict[str, str]]]:
    """Its addresses with each value of each parameter; KeyError names a parameter unknown here."""
    paths = [one.path]
    for name in re.findall(r"{(\w+)}", one.path):
        if name == "month":
            paths = [path.replace("{month}", "2026-10") for path in paths]
            continue
        paths = [path.replace(f"{{{name}}}", value) for path in paths for value in PATHS[name]]
    queries: list[dict[str, str]] = [{}]
    for name in one.query:
        queries = [
            query if value is None else {**query, name: value}
            for query in queries
            for value in FILTERS[name]
        ]
    return ((path, query) for path in paths for query in queries)


def asked(api: Api, one: Endpoint, role: Role) -> Iterator[tuple[str, int, str]]:
    """Each address with the status and the text of its answer, as JSON and as a table."""
    headers = {"User-Agent": "test", **api.as_(role)}
    table = "text/csv" in _content(_document(api), one.path)
    for path, query in requests_of(one):
        for form in ("json", "csv") if table else (None,):
            address = f"{path}?{urlencode({**query, **({'format': form} if form else {})})}"
            answer = api.client.get(address, headers=headers)
            yield address, answer.status_code, answer.text


def leaks(api: Api, bound: Bound) -> list[str]:
    """Answers in which the caller is shown a sign of what is not theirs."""
    found = []
    for one in lists(api):
        if bound.role not in (one.roles or ()):
            continue
        public = Role.PUBLIC in (one.roles or ())
        # Which places there are, and how they sort, everybody may know.
        foreign = bound.foreign - PLACES if public else bound.foreign
        statuses = set()
        for address, status, text in asked(api, one, bound.role):
            statuses.add(status)
            assert status in (200, 403, 404), (address, status, text)
            if status == 200:
                found += [f"{address}: {sign}" for sign in sorted(foreign) if sign in _rows(text)]
        if (bound.role, one.operation) not in REFUSED:
            assert 200 in statuses, (one.operation, "shows them nothing: fill in what is theirs")
    return found


def _rows(text: str) -> str:
    """The answer without its cursors, which say nothing to who does not look into them."""
    return re.sub(r'"next":"[^"]*"', "", text)


def test_every_role_is_bound_or_said_to_be_unbound() -> None:
    assert {one.role for one in BOUND} | UNBOUND == set(Role)


@pytest.mark.parametrize("bound", BOUND, ids=lambda bound: str(bound.role))
def test_no_list_shows_a_bound_caller_what_is_not_theirs(site: Api, bound: Bound) -> None:
    assert leaks(site, bound) == []


def test_every_list_of_a_bound_role_has_something_to_hide(site: Api) -> None:
    """Else the test above would pass for want of rows."""
    bare = []
    for one in lists(site):
        signs = {s for b in BOUND if b.role in (one.roles or ()) for s in b.foreign}
        if Role.PUBLIC in (one.roles or ()) or not signs:
            continue
        shown = "".join(text for _, status, text in asked(site, one, Role.ADMIN) if status == 200)
        if not any(sign in shown for sign in signs):
            bare.append(one.operation)
    assert bare == [], "put a row of somebody else there"


@pytest.mark.parametrize(
    ("role", "broken", "store"),
    [
        (Role.COMMUNITY, "communities", "redemptions?"),
        (Role.COMMUNITY, "communities", "devices?"),
        (Role.COMMUNITY, "communities", "alarms"),
        (Role.COMMUNITY, "communities", "bins/full"),
        (Role.COMMUNITY, "communities", "collections?"),
        (Role.COMMUNITY, "communities", "collection-points"),
        (Role.SUPERVISOR, "communities", "verdicts?"),
        (Role.RESIDENT, "accounts", f"accounts/{there.STRANGER}"),
        (Role.RESIDENT, "residents", "sessions"),
        (Role.CREW, "crews", f"rounds/{there.FOREIGN_ROUND}"),
        (Role.CREW, "users", "sessions"),
    ],
)
def test_a_bound_that_is_lost_is_found(
    site: Api, role: Role, broken: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Scope.__init__

    def unbound(self: Scope, **bounds: Any) -> None:
        made(self, **{**bounds, broken: None})

    monkeypatch.setattr(Scope, "__init__", unbound)
    bound = next(one for one in BOUND if one.role is role)
    assert [leak for leak in leaks(site, bound) if store in leak]
