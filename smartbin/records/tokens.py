"""Bearer tokens of programs: shown once, stored hashed, revocable."""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from smartbin.errors import BadInput, StoreUnavailable
from smartbin.records.schema import token


class Role(StrEnum):
    """Who may do what; ``public`` needs no token."""

    PUBLIC = "public"
    CREW = "crew"
    COMMUNITY = "community"
    OFFICE = "office"
    ADMIN = "admin"


class Tokens:
    """The tokens in the records' database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, role: Role) -> str:
        """A new token; only its hash is kept, so this is the one time it can be seen."""
        secret = secrets.token_urlsafe(32)
        try:
            with self._engine.begin() as db:
                db.execute(insert(token).values(name=name, role=role, hash=_hash(secret)))
        except IntegrityError:
            raise BadInput(
                f"--name: a token {name!r} exists; revoke it or choose another"
            ) from None
        return secret

    def revoke(self, name: str) -> None:
        """Forget a token; BadInput when there is none of that name."""
        with self._engine.begin() as db:
            if not db.execute(delete(token).where(token.c.name == name)).rowcount:
                raise BadInput(f"--name: no token is called {name!r}; 'token list' shows them")

    def names(self) -> list[tuple[str, Role]]:
        """Every token's name and role."""
        with self._engine.connect().execution_options(reading=True) as db:
            rows = db.execute(select(token.c.name, token.c.role).order_by(token.c.name))
            return [(name, Role(role)) for name, role in rows]

    def role_of(self, secret: str) -> Role | None:
        """Whose token this is; None for nobody's."""
        try:
            with self._engine.connect().execution_options(reading=True) as db:
                row = db.execute(select(token.c.role).where(token.c.hash == _hash(secret))).first()
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"records: {error}") from error
        return Role(row[0]) if row else None


def _hash(secret: str) -> str:
    # A random 256-bit secret needs no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
