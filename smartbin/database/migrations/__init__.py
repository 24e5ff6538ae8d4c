"""The records' tables as they came to be: one numbered step after another, forward only.

A new table stands in its capability's ``tables.py`` *and* in a step of its own under
``versions/`` (the next number, ``down_revision`` the one before); HEAD is the last of them. A test
compares both on SQLite and on PostgreSQL. There is no way back but the backup: a step backward
would delete rows added since.
"""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

HEAD = max(step.name[1:5] for step in Path(__file__).parent.glob("versions/r*.py"))
_LOCK = 0x5B1_0001  # one migration at a time on PostgreSQL; SQLite's BEGIN IMMEDIATE does the same


def version(db: Connection) -> str | None:
    """The step the database stands at; None before the first."""
    if not inspect(db).has_table("alembic_version"):
        return None
    found = db.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def upgrade(db: Connection) -> tuple[str | None, str]:
    """Apply every step that is missing, all or none; answers from where to where."""
    # A running program needs none of it: alembic is read by a migration only.
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of its own parts at INFO
    from alembic import command
    from alembic.config import Config

    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    before = version(db)
    if before != HEAD:
        config = Config(attributes={"connection": db})
        config.set_main_option("script_location", str(Path(__file__).parent))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, HEAD)
    return before, HEAD
