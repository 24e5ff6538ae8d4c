"""Server-sent events: what changed, within a second.

One thread asks the store while somebody listens and hands the news to every listener's own bounded
queue; a listener too slow for it is told to load afresh. Every event has an id: who comes back with
its last one is given what it missed, or is told to load afresh. No account is ever in an event.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from api.errors import documented
from api.parts import Parts, PartsDep
from api.security import PUBLIC
from smartbin.collection.rules import Policy, state_of
from smartbin.core import calendar
from smartbin.core.errors import StoreUnavailable
from smartbin.facts.events import Deposit, DoorKey, LevelReading, identity
from smartbin.points.points_of_deposits import earned
from smartbin.verdicts.rules import DepositKey

router = APIRouter(prefix="/api/v1", tags=["live"], dependencies=[PUBLIC])
LISTENERS_MAX = 1_000
QUEUE_MAX = 500
AT_ONCE = 10
POLL_S = 0.5
HEARTBEAT_S = 10.0
LOOK_BACK_US = 120 * calendar.US_PER_S
NEWS_MAX = 2_000
# What a board may miss while its line is down, and how long the store is asked for nobody.
KEPT_MAX = 2_000
LINGER_POLLS = 120
RECENT = 5
RECENT_LOOK_BACK_US = 24 * calendar.US_PER_HOUR
POLICY = Policy()
log = logging.getLogger("api.live")


class Listener:
    """One open stream."""

    def __init__(self, community: str | None) -> None:
        self.community = community
        self.queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_MAX)

    def put(self, text: str) -> None:
        """Called in the listener's loop."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(_event("reload", {"reason": "too slow"}))


class News(NamedTuple):
    """One event as it is sent; ``community`` says whose board it belongs to."""

    number: int
    community: str | None
    text: str


class Hub:
    """Asks the store for news while somebody listens."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        # An id is good within one unbroken time of watching: another name, nothing is known.
        self._watch = ""
        self._number = 0
        self._kept: deque[News] = deque(maxlen=KEPT_MAX)
        self._seen: set[tuple[Any, ...]] | None = None
        self._eyes_open = threading.Event()

    def start(self) -> None:
        """Begin, from the loop that every listener is in; costs nothing while nobody listens."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def join(self, listener: Listener, last_id: str | None = None) -> str | None:
        """Let somebody listen: what it is to be sent first, which after ``last_id`` is what it
        missed; None when there are too many listeners. What is kept from now on, it is told;
        waits for that at most a second, no longer for a store that is away.
        """
        with self._lock:
            if len(self._listeners) >= LISTENERS_MAX:
                return None
            self._listeners.add(listener)
        self._wake.set()
        self._eyes_open.wait(2 * POLL_S)
        with self._lock:
            return "" if last_id is None else self._after(last_id, listener.community)

    def leave(self, listener: Listener) -> None:
        """Stop telling somebody."""
        with self._lock:
            self._listeners.discard(listener)

    def _after(self, last_id: str, community: str | None) -> str:
        watch, _, number = last_id.partition("-")
        oldest = self._kept[0].number if self._kept else self._number + 1
        known = watch == self._watch and number.isdecimal() and int(number) >= oldest - 1
        if not known:
            return _event("reload", {"reason": "missed"})
        return _texts([n for n in self._kept if n.number > int(number)], community)

    def _run(self) -> None:
        alone = LINGER_POLLS
        while not self._stop.is_set():
            alone = 0 if self._listeners else alone + 1
            if alone > LINGER_POLLS:
                self._seen = None
                self._eyes_open.clear()
                self._wake.wait()
                self._wake.clear()
                continue
            try:
                self._tell(self._look())
            except StoreUnavailable as error:
                log.warning("no news: %s", error)
            except Exception:  # boards that stand still for weeks would be the price of one fault
                log.exception("no news because of a fault of ours; asking again")
            self._stop.wait(POLL_S)

    def _look(self) -> list[News]:
        """What is new since the last look, oldest first; the first look only opens the eyes."""
        facts = {identity(fact): fact for fact in self._recent_facts()}
        if self._seen is None:
            self._seen = set(facts)
            with self._lock:
                self._watch, self._number = secrets.token_hex(4), 0
                self._kept.clear()
            self._eyes_open.set()
            return []
        fresh = [fact for key, fact in facts.items() if key not in self._seen]
        points = points_of(self._parts, fresh)
        # Facts older than the window are asked for no more, so the memory of them may go.
        self._seen = set(facts) | (self._seen if len(self._seen) < 10 * NEWS_MAX else set())
        news = []
        for fact in sorted(fresh, key=lambda fact: fact.at_us):
            self._number += 1
            body = told(self._parts, fact, points)
            text = _event(fact.kind, body, f"{self._watch}-{self._number}")
            news.append(News(self._number, body["community"], text))
        return news

    def _recent_facts(self) -> list[Any]:
        parts, registry = self._parts, self._parts.registry
        now_us = parts.now_us()
        doors = [door.key for door in registry.doors(parts.today())]
        since_us, until_us = now_us - LOOK_BACK_US, now_us + LOOK_BACK_US
        return [
            *parts.reader.deposits(doors, since_us, until_us, NEWS_MAX),
            *parts.reader.collections(doors, since_us, until_us, NEWS_MAX),
            *parts.reader.latest_levels(doors, since_us).values(),
            *parts.reader.active_alarms(registry.devices),
        ]

    def _tell(self, fresh: Sequence[News]) -> None:
        if not fresh:
            return
        with self._lock:
            self._kept.extend(fresh)
            listeners = list(self._listeners)
        texts = {wanted: _texts(fresh, wanted) for wanted in {who.community for who in listeners}}
        told = [(who, own) for who in listeners if (own := texts[who.community])]
        if told and self._loop is not None:
            with suppress(RuntimeError):  # the loop has just closed
                self._loop.call_soon_threadsafe(_hand_out, self._loop, told)


def _hand_out(loop: asyncio.AbstractEventLoop, told: list[tuple[Listener, str]]) -> None:
    """Called in the loop: some listeners at a time, so that who asks for something else meanwhile
    waits for a few and not for all.
    """
    for listener, text in told[:AT_ONCE]:
        listener.put(text)
    if told[AT_ONCE:]:
        loop.call_soon(_hand_out, loop, told[AT_ONCE:])


EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@router.get("/live", responses={**EVENTS, **documented(404)}, response_class=StreamingResponse)
async def live(
    request: Request,
    parts: PartsDep,
    community: Annotated[str | None, Query(description="only this community's")] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=64, description="continue after this event")
    ] = None,
) -> StreamingResponse:
    """Server-sent events `deposit`, `collection`, `level` and `alarm`, as they are kept.

    `recent` comes first with the last deposits. `reload` says that something was missed: load
    afresh. `ping` comes every ten quiet seconds.
    """
    if community is not None:
        parts.registry.community(community)
    first = await run_in_threadpool(_recent, parts, community)
    hub: Hub = request.app.state.hub
    listener = Listener(community)
    missed = await run_in_threadpool(hub.join, listener, last_event_id)
    if missed is None:
        raise StoreUnavailable("too many open boards")
    return StreamingResponse(
        _stream(hub, listener, first + missed),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(hub: Hub, listener: Listener, first: str) -> AsyncIterator[str]:
    try:
        yield "retry: 2000\n\n" + first
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    text = await listener.queue.get()
                yield text
            except TimeoutError:
                # An event, for a browser hides comments and could not tell silence from loss.
                yield _event("ping", {})
    finally:
        hub.leave(listener)


def _recent(parts: Parts, community: str | None) -> str:
    today, now_us = parts.today(), parts.now_us()
    doors = [
        door.key
        for door in parts.registry.doors(today)
        if community in (None, parts.registry.community_of(door.device, today))
    ]
    since_us = now_us - RECENT_LOOK_BACK_US
    last = parts.reader.deposits(doors, since_us, now_us + LOOK_BACK_US, RECENT)
    points = points_of(parts, last)
    return _event("recent", {"deposits": [told(parts, deposit, points) for deposit in last]})


def points_of(parts: Parts, facts: Sequence[Any]) -> Mapping[DepositKey, int]:
    """What the deposits among these have earned; nothing while the records are away."""
    deposits = [fact for fact in facts if isinstance(fact, Deposit)]
    try:
        return earned(parts.database, parts.stores.earnings, deposits)
    except StoreUnavailable as error:
        log.warning("no points on the boards: %s", error)
        return {}


def told(parts: Parts, fact: Any, points: Mapping[DepositKey, int]) -> dict[str, Any]:
    """A fact as boards are told of it: where, what, when and what it earned; never who."""
    today = parts.today()
    door = parts.registry.door(DoorKey(fact.device, fact.door or ""), today)
    body = {
        "device": fact.device,
        "door": fact.door,
        "community": parts.registry.community_of(fact.device, today),
        "category": door.category if door else None,
        "at": parts.local(fact.at_us).isoformat(),
    }
    names = ("weight_g", "verdict", "item") if isinstance(fact, Deposit) else ("net_g", "type")
    for name in names:
        if getattr(fact, name, None) is not None:
            body[name] = getattr(fact, name)
    if isinstance(fact, Deposit):
        key = DepositKey(fact.device, fact.door, fact.at_us)
        if key in points:
            body["points"] = points[key]
    if isinstance(fact, LevelReading):
        body["level_pct"] = fact.level_pct
        body["state"] = state_of(door, fact, parts.now_us(), POLICY) if door else None
    return body


def _texts(news: Sequence[News], community: str | None) -> str:
    return "".join(n.text for n in news if community in (None, n.community))


def _event(kind: str, body: dict[str, Any], id: str | None = None) -> str:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    name = f"id: {id}\n" if id else ""
    return f"{name}event: {kind}\ndata: {data}\n\n"
