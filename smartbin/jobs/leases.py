"""Leases: each job belongs to one program, until it gives the lease back or stops renewing it.

The deadline is kept by the database's own clock, so that programs on several machines need not
agree on the time (docs/decisions/0021-a-lease-for-each-job.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, case, or_, text, update

from smartbin.core import calendar
from smartbin.database import Database
from smartbin.database.bulk import insert_into
from smartbin.jobs.tables import job_lease

LEASE_S = 15.0
"""So long after its last renewal a job is another program's to take."""
_ROW = job_lease.c
_NOW_US = {
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
}


class Leases:
    """The leases of one program, which calls itself ``holder``."""

    def __init__(self, database: Database, holder: str, lease_s: float = LEASE_S) -> None:
        self._database, self._holder = database, holder[:64]
        self._lease_us = int(lease_s * calendar.US_PER_S)

    def take(self, jobs: Mapping[str, int]) -> dict[str, int]:
        """Take or renew the leases of these jobs, and keep when each last succeeded here (UTC
        microseconds; 0: never). Answers those that are ours for ``lease_s`` from now, with when
        they last succeeded in any program. Raises StoreUnavailable.
        """
        with self._database.write() as db:
            taken = ((job, self._take(db, job, jobs[job])) for job in sorted(jobs))
            return {job: succeeded_us for job, succeeded_us in taken if succeeded_us is not None}

    def give_back(self, jobs: Collection[str]) -> None:
        """Let others take what is ours at once. Raises StoreUnavailable."""
        ours = _ROW.job.in_(list(jobs)), _ROW.holder == self._holder
        with self._database.write() as db:
            db.execute(update(job_lease).where(*ours).values(until_us=0))

    def _take(self, db: Connection, job: str, succeeded_us: int) -> int | None:
        now_us = _NOW_US[db.dialect.name]
        asked = insert_into(db, job_lease).values(
            job=job,
            holder=self._holder,
            until_us=text(f"{now_us} + {self._lease_us}"),
            succeeded_us=succeeded_us,
        )
        new = asked.excluded
        later = case((_ROW.succeeded_us > new.succeeded_us, _ROW.succeeded_us),
                     else_=new.succeeded_us)  # fmt: skip
        asked = asked.on_conflict_do_update(
            index_elements=[_ROW.job],
            set_={"holder": new.holder, "until_us": new.until_us, "succeeded_us": later},
            where=or_(_ROW.holder == new.holder, _ROW.until_us < text(now_us)),
        )
        kept: int | None = db.execute(asked.returning(_ROW.succeeded_us)).scalar()
        return kept
