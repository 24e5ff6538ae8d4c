"""How long to wait before trying again: doubling, capped, with jitter."""

from __future__ import annotations

import random


class Backoff:
    """Delays of ``first_s``, twice that, ... at most ``cap_s``, each shortened by up to half, so
    that many clients of one server do not come back together.
    """

    def __init__(self, first_s: float, cap_s: float, rng: random.Random) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._rng = rng
        self._tries = 0

    def next_s(self) -> float:
        """The delay before the next try."""
        longest_s = min(self._cap_s, self._first_s * 2.0 ** min(self._tries, 32))
        self._tries += 1
        return longest_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked: begin again with the shortest delay."""
        self._tries = 0
