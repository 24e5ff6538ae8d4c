"""The endpoints of an application as a table: which roles each admits, and what it does.

The tables of docs/roles.md and docs/http-api.md, ``may`` of ``GET /api/v1/session`` and the tests
of roles read it, so that none of them is a list of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.security import Allow, Everyone
from smartbin.people.principals import Role

API = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a path; ``roles`` is None when the route declares none (a fault), and
    ``description`` is the first paragraph of the route's description.
    """

    method: str
    path: str
    roles: frozenset[Role] | None
    description: str
    query: tuple[str, ...]
    body: tuple[str, ...]

    @property
    def operation(self) -> str:
        """The endpoint's name: ``POST /api/v1/redemptions/{redemption}/handover``."""
        return f"{self.method} {self.path}"

    @property
    def who(self) -> str:
        """The roles in words: ``public``, or their names in the order of Role."""
        if self.roles is None:
            return "NO RULE"
        if Role.PUBLIC in self.roles:
            return "public"
        return ", ".join(role for role in Role if role in self.roles)


def routes_of(app: FastAPI) -> Iterator[APIRoute]:
    """Every route, those of included routers too."""
    for route in app.routes:
        router = getattr(route, "original_router", None)
        for one in router.routes if router else [route]:
            if isinstance(one, APIRoute):
                yield one


def endpoints(app: FastAPI) -> list[Endpoint]:
    """The endpoints of the OpenAPI document, in the order of their addresses."""
    found = [
        Endpoint(
            method,
            route.path,
            roles_of(route),
            _paragraph(route.description),
            tuple(_query_of(route.dependant)),
            tuple(_body_of(route.dependant)),
        )
        for route in routes_of(app)
        if route.include_in_schema
        for method in route.methods or ()
    ]
    return sorted(found, key=lambda one: (one.path, one.method))


def roles_of(route: APIRoute) -> frozenset[Role] | None:
    """Whom the route's rule admits; None without a rule."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Allow | Everyone):
            return dependency.call.roles
    return None


def permitted(app: FastAPI) -> dict[Role, list[str]]:
    """The operations under ``/api/v1/`` that each role may ask for, public ones included."""
    every = [one for one in endpoints(app) if one.path.startswith(API)]
    return {role: [one.operation for one in every if role in (one.roles or ())] for role in Role}


def roles_table(app: FastAPI) -> str:
    """The table of docs/roles.md."""
    rows = [f"| `{one.operation}` | {one.who} |" for one in endpoints(app)]
    return "\n".join(["| endpoint | roles |", "|---|---|", *rows])


def endpoints_table(app: FastAPI) -> str:
    """The table of docs/http-api.md."""
    rows = [
        f"| `{one.operation}{_query(one)}`{_body(one)} | {one.who} | {one.description} |"
        for one in endpoints(app)
    ]
    return "\n".join(["| endpoint | who | what it does |", "|---|---|---|", *rows])


def _query(one: Endpoint) -> str:
    names = sorted(one.query, key=lambda name: name not in ("from", "to"))
    return "?" + "&".join(f"{name}=" for name in names) if names else ""


def _body(one: Endpoint) -> str:
    return f" `{{{', '.join(one.body)}}}`" if one.body else ""


def _paragraph(description: str) -> str:
    return " ".join(description.strip().split("\n\n")[0].split())


def _query_of(dependant: Dependant) -> Iterator[str]:
    """The parameters of the query but ``format``, which every table takes."""
    for one in dependant.dependencies:
        yield from _query_of(one)
    yield from (field.alias for field in dependant.query_params if field.alias != "format")


def _body_of(dependant: Dependant) -> Iterator[str]:
    """The fields of a JSON body."""
    for field in dependant.body_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (one.alias or name for name, one in model.model_fields.items())
