"""Failed sign-ins: leaky buckets of names, known browsers and addresses.

Some failures are free; each leaks away after a while, and until one has, the next attempt waits.
Somebody else's failures stop nobody on a browser they have signed in on before: those count in a
bucket of that browser, and the name's is not asked.

Counted in the records, so that every replica of the API agrees, and in a fixed number of buckets,
so that no flood of made-up names can fill them or push somebody's count out. An attempt is counted
before the password is looked at: a hundred at once are a hundred.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, delete, select, update

from smartbin.core import calendar
from smartbin.database import Database
from smartbin.database.bulk import insert_into
from smartbin.people.tables import known_browser, sign_in_try
from smartbin.people.tokens import digest

BUCKETS = 16_384
BROWSERS_OF_ONE_MAX = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket that holds ``free`` failures, of which one leaks every ``leak_s`` seconds."""

    kind: str
    free: int
    leak_s: int

    def left(self, failures: int, last_us: int, now_us: int) -> tuple[int, int]:
        """The failures that have not leaked by now, and up to when the others have."""
        leak_us = self.leak_s * calendar.US_PER_S
        leaked = max(0, now_us - last_us) // leak_us
        if leaked >= failures:
            return 0, now_us
        return failures - leaked, last_us + leaked * leak_us

    def wait_us(self, failures: int, last_us: int, now_us: int) -> int:
        """How long until the next attempt."""
        if failures < self.free:
            return 0
        over = failures - self.free + 1
        return last_us + over * self.leak_s * calendar.US_PER_S - now_us


# A name that strangers guess at gets 1,440 guesses a day; its owner passes on a known browser.
BY_NAME = Limit("name", free=5, leak_s=60)
BY_BROWSER = Limit("seen", free=10, leak_s=30)
# Behind one address stand a whole office or all the phones of a mobile network's gateway.
BY_ADDRESS = Limit("addr", free=30, leak_s=5)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in: whose name, from where, and the cookie that a known browser has."""

    name: str
    address: str
    browser: str = ""

    def buckets(self, *, known: bool) -> Sequence[tuple[str, Limit]]:
        """Where it counts, in the order of the buckets' names: two attempts never wait for each
        other crosswise.
        """
        by = BY_BROWSER if known else BY_NAME
        found = [(_bucket(by, self.browser if known else self.name), by)]
        found.append((_bucket(BY_ADDRESS, _network(self.address)), BY_ADDRESS))
        return sorted(found, key=lambda one: one[0])


class Throttle:
    """The failures and the known browsers in the records' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, attempt: Attempt, now_us: int) -> int:
        """Count the attempt as failed and answer 0; or count nothing and answer the seconds to
        wait.
        """
        with self._database.write() as db:
            buckets = attempt.buckets(known=_is_known(db, attempt))
            rows = [(key, limit, *self._row(db, key, limit, now_us)) for key, limit in buckets]
            wait_us = max(limit.wait_us(n, last_us, now_us) for _, limit, n, last_us in rows)
            if wait_us > 0:
                return -(-wait_us // calendar.US_PER_S)
            for key, _, failures, last_us in rows:
                values = {"failures": failures + 1, "last_us": last_us}
                where = sign_in_try.c.bucket == key
                db.execute(update(sign_in_try).where(where).values(values))
        return 0

    def forgive(self, attempt: Attempt) -> None:
        """The attempt succeeded: the name or browser begins anew, the address gets this one
        back. A right password does not wipe out the waits of wrong ones at that address.
        """
        column = sign_in_try.c
        with self._database.write() as db:
            for key, limit in attempt.buckets(known=_is_known(db, attempt)):
                where = column.bucket == key
                if limit is BY_ADDRESS:
                    left = case((column.failures > 0, column.failures - 1), else_=0)
                    db.execute(update(sign_in_try).where(where).values(failures=left))
                else:
                    db.execute(delete(sign_in_try).where(where))

    def remember(self, attempt: Attempt, browser: str, now_us: int) -> None:
        """Know this browser at the next sign-in of that name. Of one name's browsers the longest
        unused make room.
        """
        c = known_browser.c
        row = {"hash": digest(browser), "who": attempt.name, "seen_us": now_us}
        newest = select(c.hash).where(c.who == attempt.name).order_by(c.seen_us.desc(), c.hash)
        with self._database.write() as db:
            new = insert_into(db, known_browser).values(row)
            db.execute(new.on_conflict_do_update(index_elements=["hash"], set_=row))
            kept = list(db.scalars(newest.limit(BROWSERS_OF_ONE_MAX)))
            db.execute(delete(known_browser).where(c.who == attempt.name, c.hash.not_in(kept)))

    def _row(self, db: Connection, key: str, limit: Limit, now_us: int) -> tuple[int, int]:
        """Failures that have not leaked, and up to when; the row is there and locked until the
        end.
        """
        new = {"bucket": key, "failures": 0, "last_us": now_us}
        db.execute(insert_into(db, sign_in_try).values(new).on_conflict_do_nothing())
        asked = select(sign_in_try.c.failures, sign_in_try.c.last_us)
        found = db.execute(asked.where(sign_in_try.c.bucket == key).with_for_update()).one()
        return limit.left(found.failures, found.last_us, now_us)


def _is_known(db: Connection, attempt: Attempt) -> bool:
    """Whether somebody of that name has signed in on this browser."""
    c = known_browser.c
    asked = select(c.hash).where(c.hash == digest(attempt.browser), c.who == attempt.name)
    return bool(attempt.browser) and db.scalar(asked) is not None


def _bucket(limit: Limit, value: str) -> str:
    number = int.from_bytes(hashlib.sha256(value.casefold().encode()).digest()[:8]) % BUCKETS
    return f"{limit.kind}:{number}"


def _network(address: str) -> str:
    """An IPv6 customer has a /64: counting single addresses would count nothing."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
