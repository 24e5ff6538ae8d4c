"""Failed sign-ins: after some, the next must wait, and ever longer.

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
from smartbin.people.tables import sign_in_try

BUCKETS = 16_384
FORGET_US = 24 * calendar.US_PER_HOUR


@dataclass(frozen=True, slots=True)
class Limit:
    """``free`` failures cost nothing; each further one doubles the wait, up to the longest."""

    kind: str
    free: int
    first_s: int
    longest_s: int

    def wait_us(self, failures: int) -> int:
        """How long to wait after this many failures."""
        over = failures - self.free
        if over < 0:
            return 0
        return min(self.first_s << min(over, 20), self.longest_s) * calendar.US_PER_S


# Behind one address stand a whole office or all the phones of a mobile network's gateway.
BY_NAME = Limit("name", free=5, first_s=15, longest_s=15 * 60)
BY_ADDRESS = Limit("addr", free=30, first_s=1, longest_s=60)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in: whose name, from where."""

    name: str
    address: str

    def buckets(self) -> Sequence[tuple[str, Limit]]:
        """Where it counts, in the order of the buckets' names: two attempts never wait for each
        other crosswise.
        """
        found = [(_bucket(BY_NAME, self.name), BY_NAME)]
        found.append((_bucket(BY_ADDRESS, _network(self.address)), BY_ADDRESS))
        return sorted(found, key=lambda one: one[0])


class Throttle:
    """The failures in the records' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, attempt: Attempt, now_us: int) -> int:
        """Count the attempt as failed and answer 0; or count nothing and answer the seconds to
        wait.
        """
        with self._database.write() as db:
            rows = [(key, limit, *self._row(db, key, now_us)) for key, limit in attempt.buckets()]
            until_us = max(row[3] for row in rows)
            if until_us > now_us:
                return -(-(until_us - now_us) // calendar.US_PER_S)
            for key, limit, failures, _ in rows:
                wait_us = limit.wait_us(failures + 1)
                until_us = now_us + wait_us if wait_us else 0
                values = {"failures": failures + 1, "last_us": now_us, "until_us": until_us}
                where = sign_in_try.c.bucket == key
                db.execute(update(sign_in_try).where(where).values(values))
        return 0

    def forgive(self, attempt: Attempt) -> None:
        """The attempt succeeded: the name begins anew, the address gets back this one."""
        column = sign_in_try.c
        with self._database.write() as db:
            for key, limit in attempt.buckets():
                where = column.bucket == key
                if limit is BY_NAME:
                    db.execute(delete(sign_in_try).where(where))
                else:
                    left = case((column.failures > 0, column.failures - 1), else_=0)
                    # A right password must not wipe out the wait that wrong ones have earned.
                    until_us = case((left < limit.free, 0), else_=column.until_us)
                    values = {"failures": left, "until_us": until_us}
                    db.execute(update(sign_in_try).where(where).values(values))

    def _row(self, db: Connection, key: str, now_us: int) -> tuple[int, int]:
        """Failures and when the wait ends; the row is there and locked until the end."""
        new = {"bucket": key, "failures": 0, "last_us": now_us, "until_us": 0}
        db.execute(insert_into(db, sign_in_try).values(new).on_conflict_do_nothing())
        column = sign_in_try.c
        asked = select(column.failures, column.until_us, column.last_us)
        found = db.execute(asked.where(column.bucket == key).with_for_update()).one()
        forgotten = found.last_us < now_us - FORGET_US
        return (0, 0) if forgotten else (found.failures, found.until_us)


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
