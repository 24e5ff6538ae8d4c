"""One thread that reads the outbox in order, from when it begins, and calls its readers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from smartbin.core.errors import StoreUnavailable
from smartbin.database import Database, outbox
from smartbin.database.outbox import OutboxHead, OutboxPosition

POLL_S = 0.25
AT_ONCE = 1_000
"""Rows in one step: their payloads are left to the readers."""
TRIES_MAX = 20
log = logging.getLogger(__name__)


class OutboxReader(Protocol):
    """What wants to know of new rows."""

    def arrived(self, after: OutboxPosition, rows: Sequence[OutboxHead]) -> None:
        """These rows follow ``after``. When it raises, they come again."""

    def missed(self) -> None:
        """Some rows could not be read; the next ones are in order again."""


class Tail:
    """Reads the outbox for ``readers``, in their order. A database that is away is asked again."""

    def __init__(self, database: Database, readers: Sequence[OutboxReader]) -> None:
        self._database, self._readers = database, readers
        self._lock = threading.Lock()
        self._position: OutboxPosition | None = None
        self._tries = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def begin(self) -> OutboxPosition:
        """Rows after the position that it answers reach the readers, unless they did already.
        Raises StoreUnavailable.
        """
        with self._lock:
            if self._position is None:
                with self._database.read() as db:
                    self._position = outbox.newest(db)
            return self._position

    def _run(self) -> None:
        while not self._stopping.wait(POLL_S):
            try:
                while self._step() and not self._stopping.is_set():
                    pass
                self._tries = 0
            except StoreUnavailable as error:
                log.warning("no news: %s", error)
            except Exception:  # boards that stand still for weeks would be the price of one fault
                log.exception("no news because of a fault of ours; asking again")
                self._tries += 1
                if self._tries >= TRIES_MAX:
                    self._skip()

    def _step(self) -> bool:
        """Hand the next rows to the readers; whether there were any."""
        position = self.begin()
        with self._database.read() as db:
            rows = outbox.heads_after(db, position.id, AT_ONCE)
            if not rows:
                return False
            whole = outbox.follows(db, position)
        if whole:
            for reader in self._readers:
                reader.arrived(position, rows)
            self._position = rows[-1].position
        else:
            self._skip()
        return True

    def _skip(self) -> None:
        """Go on with the newest row: those between were removed, or a reader fails at them."""
        with self._lock:
            self._position = None
        self._tries = 0
        self.begin()
        for reader in self._readers:
            reader.missed()
