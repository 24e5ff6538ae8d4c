"""Names of users and tokens: one is one person's or program's, and looks like no other."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, select

from smartbin.core.errors import BadInput
from smartbin.database.bulk import insert_into
from smartbin.people.principals import name_key
from smartbin.people.tables import name_key as table


class NameTaken(BadInput):
    """Another user or token has the name, or one that cannot be told from it."""


def claim(db: Connection, kind: Literal["user", "token"], name: str) -> None:
    """Keep the name for a user or a token, in the transaction that makes it. Raises NameTaken when
    it is another's, or cannot be told from another's. A name that was a user's or a token's stays
    so: what they did is signed with it.
    """
    row = {"key": name_key(name), "kind": kind, "name": name}
    db.execute(insert_into(db, table).values(row).on_conflict_do_nothing())
    kept = db.execute(select(table.c.kind, table.c.name).where(table.c.key == row["key"])).one()
    if (kept.kind, kept.name) != (kind, name):
        raise NameTaken(
            f"--name: {name!r} is, or looks like, the {kept.kind} {kept.name!r}; choose another "
            "name"
        )
