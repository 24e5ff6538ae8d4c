"""Which messages of a device are missing: its counter ``seq`` watched through a sliding window."""

from __future__ import annotations

WINDOW = 4096
_FULL = (1 << WINDOW) - 1


class Sequences:
    """The newest WINDOW counters of each device. Late messages close their gap; a counter that
    falls back by more than the window is a device that started anew.
    """

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._seen: dict[str, int] = {}  # bit n: the counter newest - n has come

    def saw(self, device: str, seq: int) -> None:
        """A message with this counter came."""
        newest = self._newest.get(device)
        ahead = WINDOW if newest is None else seq - newest
        if -WINDOW < ahead <= 0:
            self._seen[device] |= 1 << -ahead
            return
        self._newest[device] = seq
        self._seen[device] = (self._seen[device] << ahead | 1) & _FULL if 0 < ahead < WINDOW else 1

    def missing(self) -> dict[str, int]:
        """How many counters of each device have not come, between its oldest and newest in the
        window.
        """
        return {device: seen.bit_length() - seen.bit_count() for device, seen in self._seen.items()}
