"""Signed-in browsers: each holds a random secret in a cookie, the records hold its hash.

A session ends when nobody used it for long, when it is old, when it is ended, and when its user is
disabled or gets another password.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update

from smartbin.core import calendar
from smartbin.core.errors import StoreUnavailable
from smartbin.core.scope import Scope
from smartbin.database import Database
from smartbin.people.principals import Principal, Role
from smartbin.people.tables import app_user, session
from smartbin.people.tokens import digest

LOG = logging.getLogger("smartbin.people")
SESSIONS_OF_ONE_MAX = 20
SHOWN_MAX = 1_000
AGENT_MAX = 120
# How exactly it is known when a session was last used: one write in so long.
SEEN_EVERY_US = 5 * 60 * calendar.US_PER_S
HOUR_US = calendar.US_PER_HOUR
DAY_US = 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class Life:
    """A session ends this long after its last use, and this long after its begin."""

    idle_us: int
    whole_us: int


# A crew's phone and a resident's are their own and often without a signal; a desk is shared.
DESK = Life(12 * HOUR_US, 7 * DAY_US)
LIVES: Mapping[Role, Life] = {
    Role.CREW: Life(7 * DAY_US, 30 * DAY_US),
    Role.RESIDENT: Life(30 * DAY_US, 90 * DAY_US),
}


def life_of(role: Role) -> Life:
    """How long a session of this role lives."""
    return LIVES.get(role, DESK)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser, as people may see it."""

    id: str
    principal: Principal
    agent: str
    started_us: int
    seen_us: int
    ends_us: int


class Sessions:
    """The sessions in the records' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, who: Principal, agent: str, now_us: int) -> str:
        """Begin a session; the secret is for the cookie and nowhere else. Of one person's sessions
        the longest unused make room.
        """
        secret = secrets.token_urlsafe(32)
        row = {
            "id": secrets.token_hex(8),
            "hash": digest(secret),
            "user": None if who.account else who.name,
            "account": who.account,
            "agent": agent[:AGENT_MAX],
            "started_us": now_us,
            "seen_us": now_us,
            "ends_us": now_us + life_of(who.role).whole_us,
        }
        c = session.c
        newest = select(c.id).where(_own(who)).order_by(c.seen_us.desc(), c.id)
        with self._database.write() as db:
            db.execute(delete(session).where(c.ends_us <= now_us))
            kept = list(db.scalars(newest.limit(SESSIONS_OF_ONE_MAX - 1)))
            db.execute(delete(session).where(_own(who), c.id.not_in(kept)))
            db.execute(insert(session).values(row))
        return secret

    def principal_of(self, secret: str, now_us: int) -> Principal | None:
        """Whose session this is; None when it has ended or never was."""
        found = self._find(secret, now_us)
        return found.principal if found else None

    def id_of(self, secret: str, now_us: int) -> str | None:
        """Which of the listed sessions this cookie's is; None when it has ended or never was."""
        found = self._find(secret, now_us)
        return found.id if found else None

    def end(self, secret: str) -> None:
        """End the session of this cookie; one that has ended stays so."""
        with self._database.write() as db:
            db.execute(delete(session).where(session.c.hash == digest(secret)))

    def end_by_id(self, id: str, scope: Scope) -> bool:
        """End a session that the scope has; False when it has none of that id."""
        where = and_(session.c.id == id, _of(scope))
        with self._database.write() as db:
            return db.execute(delete(session).where(where)).rowcount > 0

    def seen_by(self, scope: Scope, now_us: int) -> Sequence[Session]:
        """The sessions of the scope's users and residents; the last used first."""
        asked = _ASKED.where(_of(scope))
        asked = asked.order_by(session.c.seen_us.desc(), session.c.id).limit(SHOWN_MAX)
        with self._database.read() as db:
            found = [_session(row) for row in db.execute(asked)]
        return [one for one in found if _alive(one, now_us)]

    def _find(self, secret: str, now_us: int) -> Session | None:
        with self._database.read() as db:
            row = db.execute(_ASKED.where(session.c.hash == digest(secret))).first()
        found = _session(row) if row else None
        if found is None or not _alive(found, now_us):
            return None
        if found.seen_us <= now_us - SEEN_EVERY_US:
            self._seen(found.id, now_us)
        return found

    def _seen(self, id: str, now_us: int) -> None:
        try:
            with self._database.write() as db:
                db.execute(update(session).where(session.c.id == id).values(seen_us=now_us))
        except StoreUnavailable as error:  # who only reads is answered all the same
            LOG.warning("cannot note that a session was used: %s", error)


_ASKED = (
    select(session, app_user.c.role, app_user.c.community, app_user.c.must_change)
    .outerjoin(app_user, app_user.c.name == session.c.user)
    .where(or_(session.c.account.is_not(None), app_user.c.disabled_us.is_(None)))
)


def _own(who: Principal) -> ColumnElement[bool]:
    if who.account is not None:
        return session.c.account == who.account
    return session.c.user == who.name


def _of(scope: Scope) -> ColumnElement[bool]:
    by_user = session.c.user.is_not(None)
    if scope.users is not None:
        by_user = session.c.user.in_(scope.users)
    by_resident = session.c.account.is_not(None)
    if scope.residents is not None:
        by_resident = session.c.account.in_(scope.residents)
    return or_(by_user, by_resident)


def _alive(found: Session, now_us: int) -> bool:
    idle_us = life_of(found.principal.role).idle_us
    return found.ends_us > now_us and found.seen_us > now_us - idle_us


def _session(row: Row[Any]) -> Session:
    if row.account is not None:
        principal = Principal(Role.RESIDENT, row.account, account=row.account)
    else:
        principal = Principal(
            Role(row.role), row.user, row.community, must_change=bool(row.must_change)
        )
    return Session(row.id, principal, row.agent, row.started_us, row.seen_us, row.ends_us)
