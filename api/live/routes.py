"""The live stream: server-sent events of what was stored, within a second.

Every event has an id. A client that comes back with its last one, to whichever API process, is sent
exactly what it missed, or told to reload.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from api.errors import documented
from api.live.events import body_of, event_text, points_of
from api.live.hub import Hub, Listener
from api.parts import Parts, PartsDep
from api.security import PUBLIC
from smartbin.core import calendar
from smartbin.core.errors import StoreUnavailable
from smartbin.live.tail import Tail

router = APIRouter(prefix="/api/v1", tags=["live"], dependencies=[PUBLIC])
HEARTBEAT_S = 10.0
RECENT = 5
RECENT_LOOK_BACK_US = 24 * calendar.US_PER_HOUR
# Devices' clocks are ahead of ours by this much at most, for the last deposits.
AHEAD_US = 120 * calendar.US_PER_S
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
    hub: Hub = request.app.state.hub
    tail: Tail = request.app.state.tail
    listener = Listener(community)
    missed = await run_in_threadpool(hub.join, listener, last_event_id, tail.begin)
    if missed is None:
        raise StoreUnavailable("too many open boards")
    try:
        # After joining: a deposit stored meanwhile is in it, or is sent as an event, or both.
        first = await run_in_threadpool(_recent, parts, listener, last_event_id is None)
    except BaseException:
        hub.leave(listener)
        raise
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
                    text = await listener.next()
                yield text
            except TimeoutError:
                # An event, for a browser hides comments and could not tell silence from loss. Its
                # id spares a quiet community's board a long way back.
                yield event_text("ping", {}, listener.end)
    finally:
        hub.leave(listener)


def _recent(parts: Parts, listener: Listener, begins: bool) -> str:
    """The last deposits. Where nothing missed follows, its id is where the stream begins."""
    today, now_us = parts.today(), parts.now_us()
    doors = [
        door.key
        for door in parts.registry.doors(today)
        if listener.community in (None, parts.registry.community_of(door.device, today))
    ]
    last = parts.reader.deposits(doors, now_us - RECENT_LOOK_BACK_US, now_us + AHEAD_US, RECENT)
    points = points_of(parts, last)
    body = {"deposits": [body_of(parts, deposit, points) for deposit in last]}
    return event_text("recent", body, listener.begun if begins else None)
