"""Signing in on the screens: an access code becomes a cookie that no script can read.

The cookie holds the same token that programs send as a bearer, so both end when the token is
revoked. It is ``SameSite=Strict``: no other site can make a browser send it, so no form of another
site can act for who is signed in.
"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.errors import Problem, documented
from api.parts import PartsDep
from api.security import COOKIE, PUBLIC, principal_of
from smartbin.records.principals import Role
from smartbin.records.tokens import Tokens

router = APIRouter(prefix="/api/v1/session", tags=["session"], dependencies=[PUBLIC])
SESSION_S = 30 * 24 * 3600
CODE_LENGTH_MAX = 200


class SignIn(BaseModel):
    """What a person enters."""

    code: str = Field(min_length=1, max_length=CODE_LENGTH_MAX, description="the access code")


class Session(BaseModel):
    """Who is signed in on this browser."""

    role: Role


@router.get("", responses=documented(401))
def session(request: Request, parts: PartsDep) -> Session:
    """Who is signed in; 401 when nobody is."""
    who = principal_of(request, parts)
    if who is None:
        raise Problem(401, "unauthorized", "nobody is signed in; POST a code to sign in")
    return Session(role=who.role)


@router.post("", responses=documented(401, 422), response_model=Session)
def sign_in(body: SignIn, request: Request, parts: PartsDep) -> Response:
    """Sign in with an access code made by `python -m api token create`."""
    code = body.code.strip()
    who = Tokens(parts.engine).principal_of(code)
    if who is None:
        raise Problem(401, "unauthorized", "no such access code; ask the office for a new one")
    answer = JSONResponse({"role": who.role})
    answer.set_cookie(
        COOKIE,
        code,
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/api",
    )
    return answer


@router.delete("", status_code=204)
def sign_out() -> Response:
    """Sign out on this browser."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/api", httponly=True, samesite="strict")
    return answer
