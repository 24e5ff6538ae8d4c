"""What a device said lately, so that it can say it again when it has had to reconnect.

A broker that loses power forgets what it acknowledged since it last wrote to disk, which Mosquitto
does every minute; docs/wire-format.md therefore asks devices for two minutes.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

REPEAT_S = 120.0
BYTES_MAX = 256 * 1024


class SentMessage(NamedTuple):
    """``acknowledged_s``: when the broker first did, by a clock that never jumps."""

    topic: str
    payload: bytes
    retain: bool
    acknowledged_s: float | None = None


class RecentMessages:
    """One device's acknowledged messages of the last REPEAT_S seconds, at most BYTES_MAX bytes of
    them, the newest.

    Their age counts from the first acknowledgement, so that a connection that ends again and again
    does not make a device repeat ever more.
    """

    def __init__(self) -> None:
        self._kept: deque[SentMessage] = deque()
        self._bytes = 0

    def keep(self, message: SentMessage, now_s: float) -> None:
        """The broker has acknowledged this one now."""
        first_s = now_s if message.acknowledged_s is None else message.acknowledged_s
        self._kept.append(message._replace(acknowledged_s=first_s))
        self._bytes += len(message.payload)
        while self._kept and (
            self._bytes > BYTES_MAX or _first_s(self._kept[0]) < now_s - REPEAT_S
        ):
            self._bytes -= len(self._kept.popleft().payload)

    def take(self, since_s: float) -> list[SentMessage]:
        """What was first acknowledged since then, oldest first; nothing stays."""
        taken = [message for message in self._kept if _first_s(message) >= since_s]
        self._kept.clear()
        self._bytes = 0
        return taken


def _first_s(message: SentMessage) -> float:
    return message.acknowledged_s or 0.0
