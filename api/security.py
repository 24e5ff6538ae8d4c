"""Who may ask what: every route declares its roles, a bearer token carries one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Problem
from api.parts import Parts, PartsDep
from smartbin.records.tokens import Role, Tokens

COOKIE = "smartbin_session"
_bearer = HTTPBearer(auto_error=False, description="made by `python -m api token create`")


class Allow:
    """A dependency that lets the named roles pass, and admin always; public lets everyone pass."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset({*roles, Role.ADMIN})

    def __call__(
        self,
        request: Request,
        parts: PartsDep,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Role:
        """The caller's role; 401 without a valid token, 403 with one of another role."""
        if Role.PUBLIC in self.roles:
            return Role.PUBLIC
        role = role_of(request, parts, credentials)
        if role is None:
            raise Problem(
                401,
                "unauthorized",
                "a valid bearer token or a sign-in is needed; the office makes codes with "
                "`python -m api token create`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if role not in self.roles:
            wanted = ", ".join(sorted(self.roles))
            raise Problem(403, "forbidden", f"{request.url.path} is for {wanted}, not for {role}")
        return role


def role_of(
    request: Request, parts: Parts, credentials: HTTPAuthorizationCredentials | None = None
) -> Role | None:
    """The role of the bearer token, else of the signed-in browser; None for a stranger."""
    secret = credentials.credentials if credentials else request.cookies.get(COOKIE, "")
    return Tokens(parts.engine).role_of(secret) if secret else None


PUBLIC = Depends(Allow(Role.PUBLIC))
CREW = Depends(Allow(Role.CREW, Role.COMMUNITY, Role.OFFICE))
OFFICE = Depends(Allow(Role.OFFICE))
