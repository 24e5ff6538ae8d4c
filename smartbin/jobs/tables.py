"""Which program runs a job."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from smartbin.database.metadata import metadata

# A row a job, once it ran: by whom, until when nobody else may (the database's own clock), and when
# a turn last succeeded, in whichever program (0: never).
job_lease = Table(
    "job_lease",
    metadata,
    Column("job", String(32), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("succeeded_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
