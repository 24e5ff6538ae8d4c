"""Who may ask what: every route declares its roles; a bearer token or a session says whose.

A browser sends its cookie by itself, so a request that changes something and comes without a
bearer token must also carry a header that no other site's page can make a browser send
(X-Requested-With: a page of another origin would have to ask first, and is never allowed), and an
Origin, when the browser names one, that is this host.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Problem
from api.parts import Parts, PartsDep
from smartbin.people.principals import STRANGER, Principal, Role

COOKIE = "smartbin_session"
KNOWN_BROWSER = "smartbin_browser"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OURS = ("X-Requested-With", "smartbin")
_bearer = HTTPBearer(
    scheme_name="token", auto_error=False, description="made by `smartbin token create`"
)
_cookie = APIKeyCookie(
    name=COOKIE,
    scheme_name="session",
    auto_error=False,
    description="set by POST /api/v1/session; what changes something also needs the header "
    f"{OURS[0]}: {OURS[1]}",
)


class Everyone:
    """A dependency that lets everyone pass, and still refuses what another site's page sends."""

    roles = frozenset(Role)

    def __call__(self, request: Request) -> Principal:
        """Nobody in particular."""
        if "authorization" not in request.headers:
            _refuse_other_sites(request)
        return STRANGER


class Allow:
    """A dependency that lets the named roles pass, and admin always.

    It answers the caller, whose ``scope`` the stores are asked with. A path that names what lies
    outside it is refused.
    """

    def __init__(self, *roles: Role, with_first_password: bool = False) -> None:
        self.roles = frozenset({*roles, Role.ADMIN})
        self._with_first_password = with_first_password

    def __call__(
        self,
        request: Request,
        parts: PartsDep,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        _cookie: Annotated[str | None, Depends(_cookie)],
    ) -> Principal:
        """The caller; 401 without a token or session that is valid, 403 when it is not theirs."""
        principal = principal_of(request, parts, credentials)
        if principal is None:
            raise Problem(
                401,
                "unauthorized",
                "sign in at /sign-in, or send a valid bearer token; the office makes users and "
                "tokens",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if credentials is None:
            _refuse_other_sites(request)
        if principal.must_change and not self._with_first_password:
            raise Problem(
                403,
                "password-change",
                "somebody else chose this password; choose another at /password, or POST "
                "/api/v1/session/password",
            )
        if principal.role not in self.roles:
            wanted = ", ".join(sorted(self.roles))
            detail = f"{request.url.path} is for {wanted}, not for {principal.role}"
            raise Problem(403, "forbidden", detail)
        _refuse_what_is_not_theirs(principal, request, parts)
        return principal


def principal_of(
    request: Request, parts: Parts, credentials: HTTPAuthorizationCredentials | None = None
) -> Principal | None:
    """Whose the bearer token is, else the signed-in browser; None for a stranger."""
    if credentials is not None:
        return parts.stores.tokens.principal_of(credentials.credentials, parts.now_us())
    secret = request.cookies.get(COOKIE)
    return parts.stores.sessions.principal_of(secret, parts.now_us()) if secret else None


def _refuse_other_sites(request: Request) -> None:
    if request.method in SAFE_METHODS:
        return
    name, value = OURS
    origin, host = request.headers.get("origin"), request.headers.get("host")
    ours = origin is None or urlsplit(origin).netloc == host  # "null" is a page that hides itself
    if request.headers.get(name) != value or not ours:
        raise Problem(
            403,
            "other-site",
            f"without a bearer token, {request.method} needs the header {name}: {value} and a page "
            "of this site; a proxy in front must pass Host on",
        )


def _refuse_what_is_not_theirs(who: Principal, request: Request, parts: Parts) -> None:
    """A path that names what lies outside the caller's scope. An unknown device is a 404."""
    scope, path = who.scope, request.path_params
    community, device = path.get("community"), path.get("device", "")
    foreign = community is not None and not scope.has_community(community)
    if device in parts.registry.devices:
        foreign |= not scope.has_community(parts.registry.community_of(device, parts.today()))
    if foreign:
        raise Problem(403, "forbidden", f"{who.name} is of {who.community} and sees nobody else's")
    account = path.get("account")
    if account is not None and not scope.has_account(account):
        raise Problem(403, "forbidden", "a resident sees their own account and nobody else's")


PUBLIC = Depends(Everyone())
CREW = Depends(Allow(Role.CREW, Role.COMMUNITY, Role.OFFICE))
COMMUNITY = Depends(Allow(Role.COMMUNITY, Role.OFFICE))
OFFICE = Depends(Allow(Role.OFFICE))
ADMIN = Depends(Allow())
RESIDENT = Depends(Allow(Role.RESIDENT, Role.OFFICE))
DEPOSITS = Depends(Allow(Role.CREW, Role.COMMUNITY, Role.SUPERVISOR, Role.INSPECTOR, Role.OFFICE))
JUDGE = Depends(Allow(Role.SUPERVISOR, Role.INSPECTOR, Role.OFFICE))
# Residents sign in with a code and have no password.
PASSWORD_OWNER = Depends(
    Allow(*(set(Role) - {Role.PUBLIC, Role.RESIDENT}), with_first_password=True)
)
SIGNED_IN = Depends(Allow(*(role for role in Role if role is not Role.PUBLIC)))

CrewDep = Annotated[Principal, CREW]
OfficeDep = Annotated[Principal, OFFICE]
AdminDep = Annotated[Principal, ADMIN]
DepositsDep = Annotated[Principal, DEPOSITS]
PasswordOwnerDep = Annotated[Principal, PASSWORD_OWNER]
SignedInDep = Annotated[Principal, SIGNED_IN]
