"""Records that are ready at once: tables are made in one SQLite file a process, and copied."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from smartbin.database import Database


def sqlite(folder: Path) -> str:
    """The URL of a fresh database with all tables, in a folder."""
    file = folder / "records.db"
    file.write_bytes(_empty())
    return f"sqlite:///{file}"


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "records.db"
        database = Database.open(f"sqlite:///{file}")
        database.prepare()
        database.close()  # the last connection brings the log into the file
        return file.read_bytes()
