"""``smartbin drain``: a gateway is taken away for good, and leaves nothing behind.

A session that nobody opens any more keeps its queue at the broker forever, and as a member of a
shared subscription it goes on getting its share. So: unsubscribe, keep what the queue still holds,
then end the session.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from gateway.mqtt import BrokerSession
from gateway.pipeline import Pipeline

# The broker sends what it holds at once; so long a silence means that it holds nothing.
QUIET_S = 5.0
TIMEOUT_S = 60.0
log = logging.getLogger("gateway")


def drain(pipeline: Pipeline, session: BrokerSession, stopping: Callable[[], bool]) -> int | None:
    """Keep everything the unsubscribed session still holds; answers how many messages, None when
    stopped before the end.
    """
    count, quiet_since_s = 0, time.monotonic()
    while not stopping():
        moved = pipeline.pump()
        count += moved
        if moved or session.problem:
            quiet_since_s = time.monotonic()
        elif time.monotonic() - quiet_since_s >= QUIET_S:
            return count
    return None


def end(session: BrokerSession, stopping: Callable[[], bool]) -> bool:
    """Open the session as one that is not kept, which ends the one the broker kept; answers
    whether the broker took it.
    """
    until_s = time.monotonic() + TIMEOUT_S
    while session.problem and not stopping() and time.monotonic() < until_s:
        session.idle(0.1)
    return session.problem is None
