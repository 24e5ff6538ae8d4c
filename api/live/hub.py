"""Hands the events of new rows to open streams.

Each stream has its own bounded queue; one too slow for it is told to reload. A stream that begins
is first sent what it missed, read from the outbox: the rows up to the newest one then. From its
queue it takes only what follows.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple

from api.live.events import LiveEvent, event_text, events_of
from api.parts import Parts
from smartbin.database import outbox
from smartbin.database.outbox import OutboxHead, OutboxPosition
from smartbin.live.resume import ROWS_AT_ONCE, resume
from smartbin.live.rules import EventId

LISTENERS_MAX = 1_000
QUEUE_MAX = 500
AT_ONCE = 10


class Piece(NamedTuple):
    """Events for one stream: a text a row, and the id of the last row that was looked at."""

    texts: tuple[tuple[int, str], ...]
    end: EventId


class Listener:
    """One open stream. What stands in rows up to ``begun`` it was sent when it began."""

    def __init__(self, community: str | None) -> None:
        self.community = community
        self.begun = EventId(*outbox.START)
        self.end = self.begun
        self._queue: asyncio.Queue[Piece] = asyncio.Queue(QUEUE_MAX)

    def put(self, piece: Piece) -> None:
        """Called in the listener's loop."""
        if not piece.texts:
            if self._queue.empty() and piece.end.row > self.end.row:
                self.end = piece.end
            return
        try:
            self._queue.put_nowait(piece)
        except asyncio.QueueFull:
            while not self._queue.empty():
                self._queue.get_nowait()
            text = event_text("reload", {"reason": "too slow"}, piece.end)
            self._queue.put_nowait(Piece(((piece.end.row, text),), piece.end))

    async def next(self) -> str:
        """The next events; waits until there are some."""
        while True:
            piece = await self._queue.get()
            if piece.end.row > self.end.row:
                self.end = piece.end
            if text := "".join(text for row, text in piece.texts if row > self.begun.row):
                return text


class Hub:
    """Reads rows for the listeners there are. ``begin`` makes sure that they are read."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sent = 0  # rows that came in part before a store was away are not sent again

    def start(self) -> None:
        """Begin, from the loop that every listener is in."""
        self._loop = asyncio.get_running_loop()

    def join(
        self, listener: Listener, last_id: str | None, begin: Callable[[], object]
    ) -> str | None:
        """Add a listener. Answers what it is to be sent first, which is what it missed after
        ``last_id``; None when there are too many listeners. Raises StoreUnavailable.
        """
        with self._lock:
            if len(self._listeners) >= LISTENERS_MAX:
                return None
            self._listeners.add(listener)
        try:
            begin()
            begun, last, missed = resume(self._parts.database, last_id)
            listener.begun = listener.end = begun
            if missed is None:
                return event_text("reload", {"reason": "missed"}, begun)
            events = [e for e in events_of(self._parts, missed) if _follows(e, last)]
        except BaseException:
            self.leave(listener)
            raise
        return "".join(e.text for e in events if listener.community in (None, e.community))

    def leave(self, listener: Listener) -> None:
        """Remove a listener."""
        with self._lock:
            self._listeners.discard(listener)

    def arrived(self, after: OutboxPosition, rows: Sequence[OutboxHead]) -> None:
        """Send what these rows hold to whoever listens."""
        with self._lock:
            if not self._listeners:
                return
        self._sent, until = max(self._sent, after.id), rows[-1].position.id
        while self._sent < until:
            with self._parts.database.read() as db:
                some = outbox.rows_after(db, self._sent, ROWS_AT_ONCE, until)
            if not some:
                return
            self._send(events_of(self._parts, some), EventId(some[-1].id, some[-1].at_us))
            self._sent = some[-1].id

    def missed(self) -> None:
        """Tell every listener to reload."""
        with self._parts.database.read() as db:
            end = EventId(*outbox.newest(db))
        self._sent = end.row
        text = event_text("reload", {"reason": "missed"}, end)
        # The row itself may be one that a listener began with.
        self._hand_out(lambda listener: Piece(((max(end.row, listener.begun.row + 1), text),), end))

    def _send(self, events: Sequence[LiveEvent], end: EventId) -> None:
        pieces: dict[str | None, Piece] = {}

        def piece_for(listener: Listener) -> Piece:
            wanted = listener.community
            if wanted not in pieces:
                own = [e for e in events if wanted in (None, e.community)]
                by_row = groupby(own, key=lambda e: e.row)
                texts = ((row, "".join(e.text for e in some)) for row, some in by_row)
                pieces[wanted] = Piece(tuple(texts), end)
            return pieces[wanted]

        self._hand_out(piece_for)

    def _hand_out(self, piece_for: Callable[[Listener], Piece]) -> None:
        with self._lock:
            listeners = list(self._listeners)
        pieces = [(listener, piece_for(listener)) for listener in listeners]
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has just closed
                self._loop.call_soon_threadsafe(_put, self._loop, pieces)


def _put(loop: asyncio.AbstractEventLoop, pieces: list[tuple[Listener, Piece]]) -> None:
    """Called in the loop: some listeners at a time, so that another request waits for a few and
    not for all.
    """
    for listener, piece in pieces[:AT_ONCE]:
        listener.put(piece)
    if pieces[AT_ONCE:]:
        loop.call_soon(_put, loop, pieces[AT_ONCE:])


def _follows(event: LiveEvent, last: EventId) -> bool:
    return event.row > last.row or (last.sent is not None and event.sent > last.sent)
