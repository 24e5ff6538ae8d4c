"""People who sign in with a name and a password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from smartbin.core.errors import BadInput, ConstraintViolated
from smartbin.core.scope import Scope
from smartbin.database import Database
from smartbin.people.names import NameTaken, claim
from smartbin.people.passwords import Passwords, check_strength
from smartbin.people.principals import Principal, Role, spelt, tidy
from smartbin.people.tables import app_user, session
from smartbin.people.tokens import check_binding, digest


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in, unless disabled."""

    name: str
    role: Role
    community: str | None
    created_us: int
    disabled_us: int | None
    must_change: bool = False

    @property
    def principal(self) -> Principal:
        """The caller, when this user is signed in."""
        return Principal(self.role, self.name, self.community, must_change=self.must_change)


class Users:
    """The users in the records' database."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database, self._passwords = database, passwords

    def create(
        self,
        name: str,
        role: Role,
        community: str | None,
        password: str,
        now_us: int,
        *,
        must_change: bool = False,
    ) -> User:
        """A new user; BadInput when the name is taken or what is given does not fit together.
        With ``must_change`` they choose another password before they do anything else.
        """
        name = tidy(name)
        check_binding(role, community)
        check_strength(name, password)
        user = User(name, role, community, now_us, None, must_change)
        row = {
            "name": name,
            "role": role,
            "community": community,
            "password": self._passwords.hash(password),
            "created_us": now_us,
            "must_change": int(must_change),
        }
        try:
            with self._database.write() as db:
                claim(db, "user", name)
                db.execute(insert(app_user).values(row))
        except ConstraintViolated:
            raise NameTaken(f"--name: a user {name!r} exists; choose another name") from None
        return user

    def all(self, scope: Scope) -> Sequence[User]:
        """The scope's users by name: everybody, or those bound to its communities."""
        asked = _ASKED.order_by(app_user.c.name)
        if scope.communities is not None:
            asked = asked.where(app_user.c.community.in_(scope.communities))
        with self._database.read() as db:
            return [_user(row) for row in db.execute(asked)]

    def disable(self, name: str, now_us: int) -> None:
        """Let somebody in no more, and end their sessions at once."""
        self._change(name, {"disabled_us": now_us})

    def enable(self, name: str) -> None:
        """Let somebody in again."""
        self._change(name, {"disabled_us": None})

    def set_password(self, name: str, password: str, *, must_change: bool = False) -> None:
        """Another password; every session of theirs ends."""
        check_strength(tidy(name), password)
        values = {"password": self._passwords.hash(password), "must_change": int(must_change)}
        self._change(name, values)

    def change_own(self, name: str, password: str, here: str) -> None:
        """Another password, chosen by its owner; their sessions end except that of the cookie
        ``here``.
        """
        check_strength(name, password)
        values = {"password": self._passwords.hash(password), "must_change": 0}
        self._change(name, values, end=False)
        others = session.c.user == name, session.c.hash != digest(here)
        with self._database.write() as db:
            db.execute(delete(session).where(*others))

    def verified(self, name: str, password: str) -> User | None:
        """The user whose name and password these are; None takes as long as a user."""
        asked = select(*_ASKED.selected_columns, app_user.c.password)
        with self._database.read() as db:
            row = db.execute(asked.where(app_user.c.name == spelt(name))).first()
        right = self._passwords.verify(row.password if row else None, password)
        if row is None or not right or row.disabled_us is not None:
            return None
        if self._passwords.outdated(row.password):
            self._change(row.name, {"password": self._passwords.hash(password)}, end=False)
        return _user(row)

    def _change(self, name: str, values: dict[str, object], *, end: bool = True) -> None:
        name = tidy(name)
        with self._database.write() as db:
            where = app_user.c.name == name
            if not db.execute(update(app_user).where(where).values(values)).rowcount:
                raise BadInput(f"--name: nobody is called {name!r}; 'user list' shows them")
            if end:
                db.execute(delete(session).where(session.c.user == name))


_ASKED = select(
    app_user.c.name,
    app_user.c.role,
    app_user.c.community,
    app_user.c.created_us,
    app_user.c.disabled_us,
    app_user.c.must_change,
)


def _user(row: Any) -> User:
    return User(
        row.name,
        Role(row.role),
        row.community,
        row.created_us,
        row.disabled_us,
        bool(row.must_change),
    )
