"""One-time codes: the office makes one for an account, its resident signs in with it once."""

from __future__ import annotations

import secrets

from sqlalchemy import delete, update

from smartbin.core import calendar
from smartbin.database import Database
from smartbin.database.bulk import insert_into
from smartbin.people.passwords import Passwords
from smartbin.people.tables import one_time_code

DIGITS = 8
LIFE_US = 24 * calendar.US_PER_HOUR
# Out of a hundred million codes; the throttle on the card comes on top.
TRIES = 5


class Codes:
    """The codes in the records' database: of each account the newest, hashed."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database, self._passwords = database, passwords

    def make(self, account: str, made_by: str, now_us: int) -> tuple[str, int]:
        """A new code, which can be seen this once, and until when it is good; earlier codes of the
        account stop working.
        """
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        row = {
            "hash": self._passwords.hash(code),
            "ends_us": now_us + LIFE_US,
            "tries_left": TRIES,
            "made_by": made_by,
        }
        with self._database.write() as db:
            kept = insert_into(db, one_time_code).values(account=account, **row)
            db.execute(kept.on_conflict_do_update(index_elements=["account"], set_=row))
        return code, now_us + LIFE_US

    def spend(self, account: str | None, code: str, now_us: int) -> bool:
        """Whether this is the account's code, which is then spent; nobody's takes as long."""
        c = one_time_code.c
        tried = (
            update(one_time_code)
            .where(c.account == account, c.ends_us > now_us, c.tries_left > 0)
            .values(tries_left=c.tries_left - 1)
            .returning(c.hash)
        )
        with self._database.write() as db:  # counted before it is looked at: many at once are many
            kept = db.execute(tried).scalar()
        if not self._passwords.verify(kept, code):
            return False
        with self._database.write() as db:  # of two at once one spends it
            spent = db.execute(delete(one_time_code).where(c.account == account, c.hash == kept))
            return spent.rowcount > 0
