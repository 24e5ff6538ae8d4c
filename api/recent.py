"""Answers of the stores that may be a minute old: what is read often and costs much."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from smartbin.core import calendar

T = TypeVar("T")
KEEP_US = 60 * calendar.US_PER_S
MOST = 32


class RecentAnswers:
    """A bounded memory, oldest out first. Any number of threads; two that ask for the same at once
    may both make it.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Hashable, now_us: int, make: Callable[[], T]) -> tuple[T, int]:
        """What ``make`` answered for this key within the last minute, else what it answers now; and
        when it was made, which an answer says as ``as_of``.
        """
        with self._lock:
            made_us, value = self._known.get(key, (now_us - KEEP_US - 1, None))
        if 0 <= now_us - made_us <= KEEP_US:
            return cast(T, value), made_us
        fresh = make()
        with self._lock:
            self._known[key] = now_us, fresh
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return fresh, now_us
