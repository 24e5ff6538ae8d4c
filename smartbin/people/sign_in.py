"""Signing in: what every way of it has in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from smartbin.accounts.store import Accounts
from smartbin.database import Database
from smartbin.people.codes import Codes
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Principal, Role, spelt
from smartbin.people.sessions import Sessions
from smartbin.people.throttle import Attempt, Throttle
from smartbin.people.users import Users


class Wrong(Exception):
    """The name or the secret is wrong; which of them is nobody's to know."""


class TooOften(Exception):
    """Too many failures: wait ``wait_s`` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s")
        self.wait_s = wait_s


class SignIn:
    """Lets people in; one for the whole process."""

    def __init__(self, database: Database) -> None:
        self.passwords = Passwords()
        self._users = Users(database, self.passwords)
        self._sessions = Sessions(database)
        self._accounts = Accounts(database)
        self._codes = Codes(database, self.passwords)
        self._throttle = Throttle(database)

    def by_password(
        self, name: str, password: str, address: str, agent: str, now_us: int
    ) -> tuple[Principal, str]:
        """Who this is and the new session's secret; raises Wrong or TooOften."""

        def verify() -> Principal | None:
            user = self._users.verified(name, password)
            return user.principal if user else None

        return self._enter(Attempt(f"user {spelt(name)}", address), verify, agent, now_us)

    def by_code(
        self, card: str, code: str, address: str, agent: str, now_us: int, today: date
    ) -> tuple[Principal, str]:
        """The same for a resident, with a card and a one-time code."""

        def verify() -> Principal | None:
            account = self._accounts.of_card(card, today)
            if not self._codes.spend(account, code, now_us) or account is None:
                return None
            return Principal(Role.RESIDENT, account, account=account)

        return self._enter(Attempt(f"card {card}", address), verify, agent, now_us)

    def _enter(
        self, attempt: Attempt, verify: Callable[[], Principal | None], agent: str, now_us: int
    ) -> tuple[Principal, str]:
        if wait_s := self._throttle.take(attempt, now_us):
            raise TooOften(wait_s)
        who = verify()
        if who is None:
            raise Wrong
        self._throttle.forgive(attempt)
        return who, self._sessions.start(who, agent, now_us)
