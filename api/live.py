"""Server-sent events: what changed, within a second.

One thread asks the store while somebody listens and hands the news to every listener's own bounded
queue; a listener too slow for it is told to load afresh. No account is ever in an event.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import StreamingResponse

from api.errors import documented
from api.parts import Parts, PartsDep
from api.security import PUBLIC
from smartbin import calendar
from smartbin.errors import StoreUnavailable
from smartbin.events import identity

router = APIRouter(prefix="/api/v1", tags=["live"], dependencies=[PUBLIC])
LISTENERS_MAX = 1_000
QUEUE_MAX = 500
POLL_S = 0.5
HEARTBEAT_S = 10.0
LOOK_BACK_US = 120 * calendar.US_PER_S
NEWS_MAX = 2_000
log = logging.getLogger("api.live")


class Listener:
    """One open stream."""

    def __init__(self, community: str | None) -> None:
        self.community = community
        self.loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_MAX)

    def put(self, text: str) -> None:
        """Called in the listener's loop."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(_event("reload", {"reason": "too slow"}))


class Hub:
    """Asks the store for news while somebody listens."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Begin; costs nothing while nobody listens."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def join(self, listener: Listener) -> bool:
        """Let somebody listen; False when there are too many."""
        with self._lock:
            if len(self._listeners) >= LISTENERS_MAX:
                return False
            self._listeners.add(listener)
        self._wake.set()
        return True

    def leave(self, listener: Listener) -> None:
        """Stop telling somebody."""
        with self._lock:
            self._listeners.discard(listener)

    def _run(self) -> None:
        seen: set[tuple[Any, ...]] = set()
        while not self._stop.is_set():
            if not self._listeners:
                self._wake.wait()
                self._wake.clear()
                seen = {key for key, _, _ in self._news()}  # what is older is no news
                continue
            self._stop.wait(POLL_S)
            news = self._news()
            fresh = [(event, community) for key, event, community in news if key not in seen]
            if news:
                seen = {key for key, _, _ in news} | (seen if len(seen) < NEWS_MAX else set())
            self._tell(fresh)

    def _news(self) -> list[tuple[tuple[Any, ...], str, str | None]]:
        """Recent facts as (identity, event, community), oldest first."""
        parts, registry = self._parts, self._parts.registry
        now_us, today = parts.now_us(), parts.today()
        doors = {door.key: door for door in registry.doors(today)}
        since_us = now_us - LOOK_BACK_US
        try:
            facts: list[Any] = [
                *parts.reader.deposits(doors, since_us, now_us + LOOK_BACK_US, NEWS_MAX),
                *parts.reader.latest_levels(doors, since_us).values(),
                *parts.reader.active_alarms(registry.devices),
            ]
        except StoreUnavailable as error:
            log.warning("no news: %s", error)
            return []
        news = []
        for fact in sorted(facts, key=lambda f: f.at_us):
            community = registry.community_of(fact.device, today)
            door = doors.get((fact.device, fact.door))  # type: ignore[call-overload] # a DoorKey is a tuple
            body = {
                "device": fact.device,
                "door": fact.door,
                "community": community,
                "category": door.category if door else None,
                "at": parts.local(fact.at_us).isoformat(),
            }
            for name in ("weight_g", "verdict", "item", "level_pct", "type"):
                if getattr(fact, name, None) is not None:
                    body[name] = getattr(fact, name)
            news.append((identity(fact), _event(fact.kind, body), community))
        return news

    def _tell(self, fresh: list[tuple[str, str | None]]) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            own = [e for e, c in fresh if listener.community in (None, c)]
            if own:
                with suppress(RuntimeError):  # its loop has just closed
                    listener.loop.call_soon_threadsafe(listener.put, "".join(own))


@router.get("/live", responses=documented(404, 503), response_class=StreamingResponse)
async def live(
    request: Request,
    parts: PartsDep,
    community: Annotated[str | None, Query(description="only this community's")] = None,
) -> StreamingResponse:
    """Deposits, levels and alarms as they are kept: events `deposit`, `level`, `alarm`; `reload`
    tells a slow reader to load afresh, `ping` every ten quiet seconds that the line stands.
    """
    if community is not None:
        parts.registry.community(community)
    hub: Hub = request.app.state.hub
    listener = Listener(community)
    if not hub.join(listener):
        raise StoreUnavailable("too many open boards")
    return StreamingResponse(
        _stream(hub, listener),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(hub: Hub, listener: Listener) -> AsyncIterator[str]:
    try:
        yield "retry: 2000\n\n"
        while True:
            try:
                yield await asyncio.wait_for(listener.queue.get(), HEARTBEAT_S)
            except TimeoutError:
                # An event, for a browser hides comments and could not tell silence from loss.
                yield _event("ping", {})
    finally:
        hub.leave(listener)


def _event(kind: str, body: dict[str, Any]) -> str:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n"
