"""Bearer tokens of programs: shown once, stored hashed, revocable."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import delete, insert, select

from smartbin.core.errors import BadInput, ConstraintViolated
from smartbin.core.scope import Scope
from smartbin.database import Database
from smartbin.people.principals import Principal, Role, tidy
from smartbin.people.tables import token

__all__ = ["Role", "Tokens", "digest"]


class Tokens:
    """The tokens in the records' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: Role, community: str | None = None) -> str:
        """A new token; only its hash is kept, so this is the one time it can be seen.

        A token of the role community is bound to one; nobody's token is a resident's.
        """
        name = tidy(name)
        check_binding(role, community)
        secret = secrets.token_urlsafe(32)
        row = {"name": name, "role": role, "community": community, "hash": digest(secret)}
        try:
            with self._database.write() as db:
                db.execute(insert(token).values(row))
        except ConstraintViolated:
            raise BadInput(
                f"--name: a token {name!r} exists; revoke it or choose another"
            ) from None
        return secret

    def revoke(self, name: str) -> None:
        """Revoke a token; BadInput for an unknown name."""
        with self._database.write() as db:
            if not db.execute(delete(token).where(token.c.name == name)).rowcount:
                raise BadInput(f"--name: no token is called {name!r}; 'token list' shows them")

    def names(self, scope: Scope) -> list[Principal]:
        """The name, role and community of the scope's tokens: of all, or those bound to its
        communities.
        """
        asked = select(token.c.role, token.c.name, token.c.community).order_by(token.c.name)
        if scope.communities is not None:
            asked = asked.where(token.c.community.in_(scope.communities))
        with self._database.read() as db:
            return [Principal(Role(r), name, community) for r, name, community in db.execute(asked)]

    def principal_of(self, secret: str) -> Principal | None:
        """Whose token this is; None for nobody's."""
        asked = select(token.c.role, token.c.name, token.c.community)
        with self._database.read() as db:
            row = db.execute(asked.where(token.c.hash == digest(secret))).first()
        return Principal(Role(row[0]), row[1], row[2]) if row else None


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
