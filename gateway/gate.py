"""The gate before decoding: how much one device may say within an hour.

A device that floods, broken or taken over, must not take the gateway's time from the others. The
bound lies far above what an honest one says: a bin with four doors that reports every half minute
and takes 200 deposits an hour states 700 facts, so a week that it could not send still passes.
"""

from __future__ import annotations

from collections.abc import Iterable

from smartbin.core.calendar import US_PER_HOUR
from smartbin.facts.wire import ROOT

FACTS_AN_HOUR = 120_000
"""Facts, refused events and unreadable messages of one device within an hour of the gateway's
clock."""


class Gate:
    """Counts what each device of the registry said in this hour; others are refused by their topic,
    which costs little. Begins anew with the process.
    """

    def __init__(self, site: str, devices: Iterable[str]) -> None:
        self._said = {f"{ROOT}/{site}/{device}": 0 for device in devices}
        self._hour = 0

    def closed(self, topic: str, received_at_us: int) -> bool:
        """Whether the device of this topic has said more than a device says."""
        hour = received_at_us // US_PER_HOUR
        if hour != self._hour:
            self._hour = hour
            self._said = dict.fromkeys(self._said, 0)
        return self._said.get(topic.rpartition("/")[0], 0) >= FACTS_AN_HOUR

    def passed(self, topic: str, events: int) -> None:
        """Count what a message held."""
        device = topic.rpartition("/")[0]
        if device in self._said:
            self._said[device] += events
