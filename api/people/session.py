"""Signing in on the screens: a name and a password become a cookie that no script can read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.errors import Problem, documented
from api.inputs import ONE_LINE, OneLine, plain
from api.parts import PartsDep
from api.people.users import Password, refuse_weak
from api.security import (
    COOKIE,
    KNOWN_BROWSER,
    PUBLIC,
    PasswordOwnerDep,
    SignedInDep,
    principal_of,
)
from smartbin.core import calendar
from smartbin.people.principals import Principal, Role
from smartbin.people.sessions import life_of
from smartbin.people.sign_in import Browser, TooOften, Wrong

# A browser is known for a year after the last sign-in on it.
KNOWN_BROWSER_S = 365 * 24 * 3600
SessionPath = Annotated[str, Path(max_length=64, pattern=ONE_LINE)]
router = APIRouter(prefix="/api/v1", tags=["session"])


def _pair(one: str, other: str, *empty: str) -> dict[str, Any]:
    """What the validator below asks, as JSON Schema says it."""
    some, none = {"minLength": 1}, {"maxLength": 0}
    return {
        "required": [one, other],
        "properties": {one: some, other: some, **dict.fromkeys(empty, none)},
    }


class Credentials(BaseModel):
    """What a person enters: name and password; or, a resident, card and one-time code."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "li.wei", "password": "correct horse battery staple"},
                {"card": "K3f81c", "code": "01234567"},
            ],
            "oneOf": [
                _pair("name", "password", "card", "code"),
                _pair("card", "code", "name", "password"),
            ],
        },
    )

    name: OneLine = Field("", max_length=64)
    password: str = Field("", max_length=200)
    card: OneLine = Field("", max_length=64)
    code: OneLine = Field("", max_length=20)

    @model_validator(mode="after")
    def _one_pair(self) -> Self:
        person, resident = (self.name, self.password), (self.card, self.code)
        if not (all(person) and not any(resident)) and not (all(resident) and not any(person)):
            raise ValueError("send name and password, or card and code")
        return self


class Me(BaseModel):
    """Who is signed in on this browser, what they are bound to, and what they may do."""

    name: str
    role: Role
    community: str | None = None
    account: str | None = None
    must_change: bool = Field(
        description="whether somebody else chose the password: until another is chosen, nothing "
        "else is permitted"
    )
    may: list[str] = Field(
        description="the operations that the role permits, each as its method and path in this "
        "description, for example `POST /api/v1/rounds`; of these, a caller bound to a community "
        "or an account is refused another one's"
    )

    @classmethod
    def of(cls, who: Principal, request: Request) -> Me:
        """The caller, as the application that answers ``request`` knows them."""
        may: list[str] = request.app.state.permitted[who.role]
        return cls(
            name=who.name,
            role=who.role,
            community=who.community,
            account=who.account,
            must_change=who.must_change,
            may=may,
        )


class PasswordChange(BaseModel):
    """One's own password, and another one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"old": "four quiet lorries", "new": "seven late sparrows"}]
        },
    )

    old: str = Field(min_length=1, max_length=200)
    new: Password


class SessionRow(BaseModel):
    """A browser somebody is signed in on."""

    id: str
    name: str
    role: Role
    agent: str = Field(description="what the browser calls itself")
    started: datetime
    seen: datetime = Field(description="to five minutes")
    ends: datetime
    here: bool = Field(description="the session that asks")


class SessionsOut(BaseModel):
    """Sessions, the last used first."""

    sessions: list[SessionRow]


@router.get("/session", dependencies=[PUBLIC], responses=documented(401))
def session(request: Request, parts: PartsDep) -> Me:
    """Show who is signed in and what they may do; 401 when nobody is."""
    who = principal_of(request, parts)
    if who is None:
        raise Problem(401, "unauthorized", "nobody is signed in; POST name and password")
    return Me.of(who, request)


@router.post(
    "/session",
    dependencies=[PUBLIC],
    responses=documented(401, 429),
    response_model=Me,
)
def sign_in(body: Credentials, request: Request, parts: PartsDep) -> Response:
    """Sign in with a name and a password, or a card and a one-time code. After several failures
    the next attempt must wait (429, Retry-After), longer each time.
    """
    service = parts.stores.sign_in
    browser = Browser(
        request.client.host if request.client else "",
        request.headers.get("user-agent", ""),
        request.cookies.get(KNOWN_BROWSER, ""),
    )
    now_us = parts.now_us()
    try:
        if body.name:
            entered = service.by_password(body.name, body.password, browser, now_us)
        else:
            card, code = plain(body.card), "".join(plain(body.code).split())
            entered = service.by_code(card, code, browser, now_us, parts.today())
    except Wrong:
        detail = (
            "the name or the password is wrong"
            if body.name
            else "the card or the code is wrong, or the code has been used or has expired; "
            "the office makes a new one"
        )
        raise Problem(401, "wrong-credentials", detail) from None
    except TooOften as error:
        raise _too_often(error) from None
    answer = JSONResponse(Me.of(entered.who, request).model_dump())
    life_s = life_of(entered.who.role).whole_us // calendar.US_PER_S
    for cookie, secret, max_age_s in (
        (COOKIE, entered.secret, life_s),
        (KNOWN_BROWSER, entered.browser, KNOWN_BROWSER_S),
    ):
        answer.set_cookie(
            cookie,
            secret,
            max_age=max_age_s,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/api",
        )
    return answer


@router.post("/session/password", status_code=204, responses=documented(401, 409, 422, 429))
def change_password(
    body: PasswordChange, request: Request, parts: PartsDep, who: PasswordOwnerDep
) -> Response:
    """Change the caller's own password. Their other sessions end. Wrong old passwords count as
    failed sign-ins.
    """
    if who.program:
        raise Problem(409, "no-password", "a token has no password; create another token")
    refuse_weak(parts, who.name, body.new)
    if body.new == body.old:
        detail = "new: is the old password; choose another"
        raise Problem(422, "weak-password", detail, parameter="new")
    address = request.client.host if request.client else ""
    browser = Browser(address, "", request.cookies.get(KNOWN_BROWSER, ""))
    try:
        parts.stores.sign_in.verify(who, body.old, browser, parts.now_us())
    except Wrong:
        raise Problem(
            422, "wrong-credentials", "old: is not your password", parameter="old"
        ) from None
    except TooOften as error:
        raise _too_often(error) from None
    parts.stores.users.change_own(who.name, body.new, request.cookies.get(COOKIE, ""))
    return Response(status_code=204)


def _too_often(error: TooOften) -> Problem:
    return Problem(
        429,
        "too-often",
        f"too many failed sign-ins; wait {error.wait_s} seconds",
        headers={"Retry-After": str(error.wait_s)},
        wait_s=error.wait_s,
    )


@router.delete("/session", status_code=204, dependencies=[PUBLIC])
def sign_out(request: Request, parts: PartsDep) -> Response:
    """Sign out on this browser."""
    if secret := request.cookies.get(COOKIE):
        parts.stores.sessions.end(secret)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/api", httponly=True, samesite="strict")
    return answer


@router.get("/sessions")
def sessions(request: Request, parts: PartsDep, who: SignedInDep) -> SessionsOut:
    """List the caller's sessions; for admin, everybody's."""
    kept, secret = parts.stores.sessions, request.cookies.get(COOKIE)
    here = kept.id_of(secret, parts.now_us()) if secret else None
    rows = [
        SessionRow(
            id=one.id,
            name=one.principal.name,
            role=one.principal.role,
            agent=one.agent,
            started=parts.local(one.started_us),
            seen=parts.local(one.seen_us),
            ends=parts.local(one.ends_us),
            here=one.id == here,
        )
        for one in kept.seen_by(who.scope, parts.now_us())
    ]
    return SessionsOut(sessions=rows)


@router.delete("/sessions/{session}", status_code=204, responses=documented(404))
def end(parts: PartsDep, session: SessionPath, who: SignedInDep) -> Response:
    """End one of the caller's sessions; for admin, anybody's."""
    if not parts.stores.sessions.end_by_id(session, who.scope):
        detail = "no such session of yours; GET /api/v1/sessions lists them"
        raise Problem(404, "not-found", detail, parameter="session")
    return Response(status_code=204)
