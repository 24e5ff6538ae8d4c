"""Signing in: what every way of it has in common."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from smartbin.accounts.store import Accounts
from smartbin.database import Database
from smartbin.people.codes import Codes
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Principal, Role, spelt
from smartbin.people.sessions import Sessions
from smartbin.people.throttle import Attempt, Throttle
from smartbin.people.users import Users

T = TypeVar("T")
LOG = logging.getLogger("smartbin.people")


class Wrong(Exception):
    """The name or the secret is wrong; which of them is nobody's to know."""


class TooOften(Exception):
    """Too many failures: wait ``wait_s`` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Browser:
    """From where somebody signs in: its address, what it calls itself, and the cookie by which a
    browser is known on which they have signed in before ("" without).
    """

    address: str
    agent: str
    known: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody who signed in: the new session's secret, and what makes the browser known."""

    who: Principal
    secret: str
    browser: str


class SignIn:
    """Lets people in; one for the whole process."""

    def __init__(self, database: Database) -> None:
        self.passwords = Passwords()
        self._users = Users(database, self.passwords)
        self._sessions = Sessions(database)
        self._accounts = Accounts(database)
        self._codes = Codes(database, self.passwords)
        self._throttle = Throttle(database)

    def by_password(self, name: str, password: str, browser: Browser, now_us: int) -> Entered:
        """Sign in a user; raises Wrong or TooOften."""

        def verify() -> Principal | None:
            user = self._users.verified(name, password)
            return user.principal if user else None

        return self._enter(f"user {spelt(name)}", browser, verify, now_us)

    def verify(self, who: Principal, password: str, browser: Browser, now_us: int) -> None:
        """Ask a signed-in user for their password once more; raises Wrong or TooOften."""
        attempt = Attempt(f"user {who.name}", browser.address, browser.known)
        self._try(attempt, lambda: self._users.verified(who.name, password), now_us)

    def by_code(self, card: str, code: str, browser: Browser, now_us: int, today: date) -> Entered:
        """The same for a resident, with a card and a one-time code."""

        def verify() -> Principal | None:
            account = self._accounts.of_card(card, today)
            if not self._codes.spend(account, code, now_us) or account is None:
                return None
            return Principal(Role.RESIDENT, account, account=account)

        return self._enter(f"card {card}", browser, verify, now_us)

    def _enter(
        self, name: str, browser: Browser, verify: Callable[[], Principal | None], now_us: int
    ) -> Entered:
        attempt = Attempt(name, browser.address, browser.known)
        who = self._try(attempt, verify, now_us)
        known = browser.known or secrets.token_urlsafe(32)
        self._throttle.remember(attempt, known, now_us)
        return Entered(who, self._sessions.start(who, browser.agent, now_us), known)

    def _try(self, attempt: Attempt, verify: Callable[[], T | None], now_us: int) -> T:
        if wait_s := self._throttle.take(attempt, now_us):
            # It names whose sign-in is guessed at, for an alert.
            LOG.warning(
                "sign-in of %s waits %d s, asked from %s", attempt.name, wait_s, attempt.address
            )
            raise TooOften(wait_s)
        found = verify()
        if found is None:
            LOG.info("sign-in of %s failed, asked from %s", attempt.name, attempt.address)
            raise Wrong
        self._throttle.forgive(attempt)
        return found
