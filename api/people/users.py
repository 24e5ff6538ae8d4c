"""Who may sign in and which programs may ask: made, changed and ended from the office's desk.

Nobody gives more than they have: the office makes crews, communities, supervisors and inspectors;
only an admin makes another office user or admin, or touches one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.errors import Problem, documented
from api.inputs import OneLine
from api.parts import Parts, PartsDep
from api.security import OfficeDep
from smartbin.core.errors import BadInput
from smartbin.core.scope import EVERYTHING
from smartbin.people.names import NameTaken
from smartbin.people.passwords import LENGTH_MAX, LENGTH_MIN, check_strength
from smartbin.people.principals import NAME_MAX, Principal, Role, tidy
from smartbin.people.tokens import DAY_US, DAYS, DAYS_MAX
from smartbin.people.users import User

router = APIRouter(prefix="/api/v1", tags=["people"])
ABOVE_OFFICE = frozenset({Role.OFFICE, Role.ADMIN})

Name = Annotated[OneLine, Field(min_length=1, max_length=NAME_MAX, examples=["li.wei"])]
Password = Annotated[str, Field(min_length=LENGTH_MIN, max_length=LENGTH_MAX)]
Community = Annotated[
    OneLine | None,
    Field(max_length=64, description="the one that a community or supervisor is bound to"),
]


class UserIn(BaseModel):
    """A user to make."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role = Field(examples=["crew"])
    community: Community = None
    password: Password = Field(examples=["four quiet lorries"])


class UserOut(BaseModel):
    """Somebody who may sign in, unless disabled."""

    name: str
    role: Role
    community: str | None
    created: datetime
    disabled: datetime | None
    mine: bool = Field(description="whether the caller may change this user")


class UsersOut(BaseModel):
    """Everybody, by name."""

    users: list[UserOut]


class PasswordIn(BaseModel):
    """Another password."""

    model_config = ConfigDict(extra="forbid")

    password: Password = Field(examples=["four quiet lorries"])


class TokenIn(BaseModel):
    """A program's token to make."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role = Field(examples=["crew"])
    community: Community = None
    days: int = Field(DAYS, ge=1, le=DAYS_MAX, description="how long it works")


class TokenOut(BaseModel):
    """A token of a program; what it is was shown once."""

    name: str
    role: Role
    community: str | None
    ends_at: datetime | None = Field(description="null: made before tokens had an end")
    last_used_at: datetime | None = Field(description="to five minutes; null: never")
    mine: bool = Field(description="whether the caller may revoke it")


class TokensOut(BaseModel):
    """Every token, by name."""

    tokens: list[TokenOut]


class TokenMade(BaseModel):
    """A new token: this is the one time that it can be seen."""

    name: str
    token: str
    ends_at: datetime


@router.get("/users")
def users(parts: PartsDep, who: OfficeDep) -> UsersOut:
    """List users, disabled ones included."""
    return UsersOut(users=[_user(parts, who, one) for one in parts.stores.users.all(who.scope)])


@router.post("/users", status_code=201, responses=documented(404, 409))
def create_user(parts: PartsDep, body: UserIn, who: OfficeDep) -> UserOut:
    """Create a user with a first password, which they change at their first sign-in."""
    _refuse_above(who, body.role)
    _known(parts, body.community)
    _refuse_taken(body.name, [one.name for one in parts.stores.users.all(EVERYTHING)])
    refuse_weak(parts, body.name, body.password)
    try:
        made = parts.stores.users.create(
            body.name, body.role, body.community, body.password, parts.now_us(), must_change=True
        )
    except NameTaken as error:
        raise _taken(error) from None
    return _user(parts, who, made)


@router.post("/users/{name}/password", status_code=204, responses=documented(404))
def set_password(parts: PartsDep, name: str, body: PasswordIn, who: OfficeDep) -> Response:
    """Set another password for a user and end their sessions. They change it when they next sign
    in.
    """
    _find_user(parts, name, who)
    refuse_weak(parts, name, body.password)
    parts.stores.users.set_password(name, body.password, must_change=True)
    return Response(status_code=204)


@router.post("/users/{name}/disable", status_code=204, responses=documented(404))
def disable(parts: PartsDep, name: str, who: OfficeDep) -> Response:
    """Disable a user and end their sessions."""
    _find_user(parts, name, who)
    parts.stores.users.disable(name, parts.now_us())
    return Response(status_code=204)


@router.post("/users/{name}/enable", status_code=204, responses=documented(404))
def enable(parts: PartsDep, name: str, who: OfficeDep) -> Response:
    """Enable a disabled user."""
    _find_user(parts, name, who)
    parts.stores.users.enable(name)
    return Response(status_code=204)


@router.get("/tokens")
def tokens(parts: PartsDep, who: OfficeDep) -> TokensOut:
    """List programs' tokens: name, role, community, end and last use."""
    rows = [
        TokenOut(
            name=one.principal.name,
            role=one.principal.role,
            community=one.principal.community,
            ends_at=parts.local_or_none(one.ends_us),
            last_used_at=parts.local_or_none(one.last_used_us),
            mine=_may(who, one.principal.role),
        )
        for one in parts.stores.tokens.all(who.scope)
    ]
    return TokensOut(tokens=rows)


@router.post("/tokens", status_code=201, responses=documented(404, 409))
def create_token(parts: PartsDep, body: TokenIn, who: OfficeDep) -> TokenMade:
    """Create a token for a program. It is shown once; only its hash is kept."""
    _refuse_above(who, body.role)
    _known(parts, body.community)
    _refuse_taken(body.name, [one.principal.name for one in parts.stores.tokens.all(EVERYTHING)])
    ends_us = parts.now_us() + body.days * DAY_US
    try:
        secret = parts.stores.tokens.create(body.name, body.role, body.community, ends_us)
    except NameTaken as error:
        raise _taken(error) from None
    return TokenMade(name=body.name, token=secret, ends_at=parts.local(ends_us))


@router.delete("/tokens/{name}", status_code=204, responses=documented(404))
def revoke(parts: PartsDep, name: str, who: OfficeDep) -> Response:
    """Revoke a token."""
    owners = (one.principal for one in parts.stores.tokens.all(who.scope))
    found = next((owner for owner in owners if owner.name == name), None)
    if found is None:
        detail = "name: no token is called so; GET /api/v1/tokens lists them"
        raise Problem(404, "not-found", detail, parameter="name")
    _refuse_above(who, found.role)
    parts.stores.tokens.revoke(name)
    return Response(status_code=204)


def _find_user(parts: Parts, name: str, who: Principal) -> None:
    found = next((one for one in parts.stores.users.all(who.scope) if one.name == name), None)
    if found is None:
        detail = "name: nobody is called so; GET /api/v1/users lists them"
        raise Problem(404, "not-found", detail, parameter="name")
    _refuse_above(who, found.role)


def _may(who: Principal, role: Role) -> bool:
    return who.role is Role.ADMIN or role not in ABOVE_OFFICE


def _refuse_above(who: Principal, role: Role) -> None:
    if not _may(who, role):
        detail = f"role: only an admin may make or change one of {role}; ask an admin"
        raise Problem(403, "forbidden", detail, parameter="role")


def _refuse_taken(name: str, taken: Sequence[str]) -> None:
    if tidy(name) in taken:
        raise Problem(409, "name-taken", "name: is taken; choose another", parameter="name")


def _taken(error: NameTaken) -> Problem:
    detail = str(error).removeprefix("--")
    return Problem(409, "name-taken", detail, parameter="name")


def refuse_weak(parts: Parts, name: str, password: str) -> None:
    """Refuse a password that is easy to guess; those who know the site guess its names first."""
    site = parts.registry.site
    places = parts.registry.communities.values()
    words = [site.id, site.name, *(one.name for one in places)]
    words += [part for one in places for part in one.id.split("-")]
    try:
        check_strength(name, password, words)
    except BadInput as error:
        raise Problem(422, "weak-password", str(error), parameter="password") from None


def _known(parts: Parts, community: str | None) -> None:
    if community is not None:
        parts.registry.community(community)


def _user(parts: Parts, who: Principal, one: User) -> UserOut:
    return UserOut(
        name=one.name,
        role=one.role,
        community=one.community,
        created=parts.local(one.created_us),
        disabled=parts.local_or_none(one.disabled_us),
        mine=_may(who, one.role),
    )
