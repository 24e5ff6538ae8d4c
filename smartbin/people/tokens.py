"""Bearer tokens of programs: shown once, stored hashed, revocable."""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from smartbin.core import calendar
from smartbin.core.errors import BadInput, ConstraintViolated, StoreUnavailable
from smartbin.core.scope import Scope
from smartbin.database import Database
from smartbin.people.names import NameTaken, claim
from smartbin.people.principals import Principal, Role, tidy
from smartbin.people.tables import token

__all__ = ["DAYS", "DAYS_MAX", "Role", "Token", "Tokens", "digest"]
LOG = logging.getLogger("smartbin.people")
DAYS, DAYS_MAX = 365, 730
"""How long a new token works unless said otherwise, and at most."""
DAY_US = 24 * calendar.US_PER_HOUR
# How exactly it is known when a token was last used: one write in so long.
USED_EVERY_US = 5 * 60 * calendar.US_PER_S


@dataclass(frozen=True, slots=True)
class Token:
    """A program's token. ``ends_us`` is None for one made before tokens had an end."""

    principal: Principal
    ends_us: int | None
    last_used_us: int | None


class Tokens:
    """The tokens in the records' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, role: Role, community: str | None = None, ends_us: int | None = None
    ) -> str:
        """A new token; only its hash is kept, so this is the one time it can be seen.

        A token of the role community is bound to one; nobody's token is a resident's.
        """
        name = tidy(name)
        check_binding(role, community)
        secret = secrets.token_urlsafe(32)
        row = {
            "name": name,
            "role": role,
            "community": community,
            "hash": digest(secret),
            "ends_us": ends_us,
        }
        try:
            with self._database.write() as db:
                claim(db, "token", name)
                db.execute(insert(token).values(row))
        except ConstraintViolated:
            raise NameTaken(
                f"--name: a token {name!r} exists; revoke it or choose another"
            ) from None
        return secret

    def revoke(self, name: str) -> None:
        """Revoke a token; BadInput for an unknown name."""
        with self._database.write() as db:
            if not db.execute(delete(token).where(token.c.name == name)).rowcount:
                raise BadInput(f"--name: no token is called {name!r}; 'token list' shows them")

    def all(self, scope: Scope) -> list[Token]:
        """The scope's tokens by name: all, or those bound to its communities."""
        asked = select(token).order_by(token.c.name)
        if scope.communities is not None:
            asked = asked.where(token.c.community.in_(scope.communities))
        with self._database.read() as db:
            return [
                Token(_principal(row), row.ends_us, row.last_used_us) for row in db.execute(asked)
            ]

    def principal_of(self, secret: str, now_us: int) -> Principal | None:
        """Whose token this is; None for nobody's, and for one that has ended."""
        with self._database.read() as db:
            row = db.execute(select(token).where(token.c.hash == digest(secret))).first()
        if row is None or (row.ends_us is not None and row.ends_us <= now_us):
            return None
        if row.last_used_us is None or row.last_used_us <= now_us - USED_EVERY_US:
            self._used(row.name, now_us)
        return _principal(row)

    def _used(self, name: str, now_us: int) -> None:
        try:
            with self._database.write() as db:
                used = update(token).where(token.c.name == name).values(last_used_us=now_us)
                db.execute(used)
        except StoreUnavailable as error:  # a program that only reads is answered all the same
            LOG.warning("cannot note that a token was used: %s", error)


def _principal(row: Any) -> Principal:
    return Principal(Role(row.role), row.name, row.community, program=True)


def check_binding(role: Role, community: str | None) -> None:
    """Refuse a role that lacks the community it is bound to, or has one it must not have."""
    if role in (Role.PUBLIC, Role.RESIDENT):
        raise BadInput(f"--role: {role} is nobody's to give; choose crew, community, office, ...")
    if role is Role.COMMUNITY and community is None:
        raise BadInput("--community: say which community, for example --community yicheng-haoting")
    if community is not None and role not in (Role.COMMUNITY, Role.SUPERVISOR):
        raise BadInput(f"--community: {role} is of the whole subdistrict; leave it out")


def digest(secret: str) -> str:
    """The stored digest of a random 256-bit secret. Nobody guesses it: a fast hash will do."""
    return hashlib.sha256(secret.encode()).hexdigest()
