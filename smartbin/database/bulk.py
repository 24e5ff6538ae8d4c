"""Many rows of one table at once, as fast as the driver takes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, any_, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

AT_ONCE = 500  # values in one question: SQLite and readers' patience bound a statement


def insert_into(db: Connection, table: Table) -> Any:
    """INSERT with the dialect's ON CONFLICT."""
    insert: Any = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    return insert(table)


def among(
    db: Connection, column: ColumnElement[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """Whether the column has one of many values. PostgreSQL takes them as one array: a parameter
    each made a question of some hundred values cost more than its answer.
    """
    if db.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), ARRAY(column.type), unique=True))
    return column.in_(values)


def insert_many(db: Connection, insert: Any, rows: Sequence[dict[str, Any]]) -> None:
    """The same statement for every row, handed to the driver as it is: SQLAlchemy would look at
    every value of every row, which took most of the time of keeping a batch.
    """
    if not rows:
        return
    compiled = insert.compile(dialect=db.dialect, column_keys=list(rows[0]))
    if compiled.positional:
        names = compiled.positiontup
        db.exec_driver_sql(str(compiled), [tuple(row[name] for name in names) for row in rows])
    else:
        db.exec_driver_sql(str(compiled), list(rows))
