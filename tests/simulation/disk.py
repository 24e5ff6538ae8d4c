"""A folder on a disk that fails: full, short of a part of a write, and torn by a power cut.

The stores over it are the real ones, so the errors are those that SQLite and the file system
raise: ``PRAGMA max_page_count`` makes SQLite say "database or disk is full", a limit on a file's
size cuts a write short, another connection holds the lock.
"""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from smartbin.core.errors import StoreUnavailable
from tests.simulation.fate import Evil, Fate

T = TypeVar("T")
PAGES_MAX = 1_073_741_823


class Disk:
    """What is durable: of every file that only grows, the bytes of before the last call that
    returned. A power cut leaves these and any part of the rest.
    """

    def __init__(self, folder: Path, fate: Fate, slow: Callable[[], None]) -> None:
        self.folder, self._fate, self._slow = folder, fate, slow
        self._durable: dict[Path, int] = {}

    def write(
        self, name: str, call: Callable[[], T], database: sqlite3.Connection | None = None
    ) -> T:
        """Carry out a write of the store ``name``, with whatever goes wrong at it.

        ``database`` is the connection it goes through; the quarantine has none.
        """
        fate = self._fate
        fate.step(f"before {name} writes")
        if fate.strikes(Evil.AWAY, name):
            raise StoreUnavailable(f"{name} is away")
        with self._obstacle(name, database):
            done = call()
        if fate.strikes(Evil.SLOW, name):
            self._slow()
        fate.step(f"before {name} returns")
        if fate.strikes(Evil.AFTER, name):
            raise StoreUnavailable(f"{name} failed after it wrote")
        for path in self._growing(name):
            self._durable[path] = path.stat().st_size
        fate.step(f"after {name} wrote")
        return done

    def power_cut(self) -> dict[Path, bytes]:
        """What the disk holds now that the power is gone; to be put back with ``restore``."""
        left = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        for path in self._growing(""):
            whole = len(left[path])
            kept = min(self._durable.get(path, 0), whole)
            # Anywhere, and often where it is meanest: just before the last byte.
            some = self._fate.chance.randint(kept, whole)
            cut = self._fate.chance.choice([some, some, kept, whole, max(kept, whole - 1)])
            left[path] = left[path][:cut]
        return {path: data for path, data in left.items() if not path.name.endswith("-shm")}

    def restore(self, left: dict[Path, bytes]) -> None:
        """The machine starts again over what was left."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                path.unlink()
        for path, data in left.items():
            path.write_bytes(data)
        self._durable = {path: path.stat().st_size for path in self._growing("")}

    def _growing(self, name: str) -> Iterator[Path]:
        """The files of a store (or of all) that are only appended to."""
        if name != "quarantine":
            yield from self.folder.glob(f"{name or '*'}.db-wal")
        if name in ("", "quarantine"):
            yield from self.folder.glob("quarantine/quarantine-*.jsonl")

    @contextmanager
    def _obstacle(self, name: str, database: sqlite3.Connection | None) -> Iterator[None]:
        fate = self._fate
        if fate.strikes(Evil.SHORT, name):
            sizes = [path.stat().st_size for path in self._growing(name)]
            with _no_file_over(max(sizes, default=0) + fate.chance.randint(0, 9000)):
                yield
        elif database is not None and fate.strikes(Evil.FULL, name):
            with _no_more_pages(database):
                yield
        elif database is not None and fate.strikes(Evil.LOCKED, name):
            with _held(self.folder / f"{name}.db"):
                yield
        else:
            yield


@contextmanager
def _no_file_over(size: int) -> Iterator[None]:
    """The kernel takes what fits and refuses the rest (Python ignores the signal)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def _no_more_pages(database: sqlite3.Connection) -> Iterator[None]:
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")
    try:
        yield
    finally:
        # After a write that was cut off the connection may want a ROLLBACK first.
        with suppress(sqlite3.OperationalError):
            database.execute(f"PRAGMA max_page_count={PAGES_MAX}")


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
