"""The gate before decoding: how much one device may say within an hour.

A device that floods, broken or taken over, must not take the gateway's time from the others. The
bound lies far above what an honest one says: a bin with four doors that reports every half minute
and takes 200 deposits an hour states 700 facts, so a week that it could not send still passes.
"""

from __future__ import annotations

from collections.abc import Collection

from smartbin.core.calendar import US_PER_HOUR
from smartbin.facts.wire import MESSAGES, topic_of

FACTS_AN_HOUR = 120_000
"""Facts, refused events and unreadable messages of one device within an hour of the gateway's
clock."""


class Gate:
    """Counts what each device of the registry said in this hour; others are refused by their topic,
    which costs little. Begins anew with the process.
    """

    def __init__(self, site: str, devices: Collection[str]) -> None:
        # A cell a device under each of its topics: one look-up a message.
        self._cells = [[0] for _ in devices]
        self._said = {
            topic_of(site, device, kind): cell
            for device, cell in zip(devices, self._cells, strict=True)
            for kind in (*MESSAGES, "batch")
        }
        self._hour = 0

    def closed(self, topic: str, received_at_us: int) -> bool:
        """Whether the device of this topic has said more than a device says."""
        hour = received_at_us // US_PER_HOUR
        if hour != self._hour:
            self._hour = hour
            for cell in self._cells:
                cell[0] = 0
        said = self._said.get(topic)
        return said is not None and said[0] >= FACTS_AN_HOUR

    def passed(self, topic: str, events: int) -> None:
        """Count what a message held."""
        said = self._said.get(topic)
        if said is not None:
            said[0] += events
