"""Records that are ready at once: tables are made in one SQLite file a process, and copied."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from smartbin.database.engine import open_engine, prepare


def sqlite(folder: Path) -> str:
    """The URL of a fresh database with all tables, in a folder."""
    file = folder / "records.db"
    file.write_bytes(_empty())
    return f"sqlite:///{file}"


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "records.db"
        engine = open_engine(f"sqlite:///{file}")
        prepare(engine)
        engine.dispose()  # the last connection brings the log into the file
        return file.read_bytes()
