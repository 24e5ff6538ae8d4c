"""The ids of live events. An id is a place in the outbox, so it is good at every API process and
after every restart.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ID = re.compile(r"([0-9]{1,18})-([0-9]{1,18})(?:-([0-9]{1,6}))?", re.ASCII)


class EventId(NamedTuple):
    """A row of the outbox, when it was written, and how many of its facts were sent; ``sent`` is
    None when all were.
    """

    row: int
    at_us: int
    sent: int | None = None

    @classmethod
    def parse(cls, text: str) -> EventId | None:
        """The id that ``str`` wrote; None for any other text."""
        found = _ID.fullmatch(text)
        if found is None:
            return None
        row, at_us, sent = found.groups()
        return cls(int(row), int(at_us), None if sent is None else int(sent))

    def __str__(self) -> str:
        whole = f"{self.row}-{self.at_us}"
        return whole if self.sent is None else f"{whole}-{self.sent}"
