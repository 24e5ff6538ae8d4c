"""What the gateway knows of itself: counted by its one thread, read by the HTTP thread."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence

from gateway.delivery import Delivery
from gateway.sequences import Sequences
from smartbin.facts.events import Fact
from smartbin.facts.wire import REASONS, Rejected

# From device time to stored; the long ones are devices that were offline.
DELAY_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0, 3600.0, 21600.0, 86400.0)
_DELAY_BOUNDS_US = tuple(int(bound_s * 1_000_000) for bound_s in DELAY_BOUNDS_S)
# A redelivery is recognised among so many of the newest messages. From 19,661 on a set's table
# takes 2 MB instead of half of one, and there are two.
RECENT_MAX = 19_000
STORES = ("telemetry", "records", "quarantine")


class Meters:
    """Counts since the start, and what is in the way now. ``monotonic_s`` and ``now_us`` are the
    clocks.
    """

    def __init__(
        self, monotonic_s: Callable[[], float], now_us: Callable[[], int], *, gaps: bool = True
    ) -> None:
        self._monotonic_s = monotonic_s
        self._now_us = now_us
        self.messages = 0
        self.stored: Counter[str] = Counter()
        self.duplicates = 0
        # From 0: Prometheus sees no increase in a series that begins with its first event.
        self.refused = Counter(dict.fromkeys(REASONS, 0))
        self.retries = Counter(dict.fromkeys(STORES, 0))
        self.old_wills = 0
        self.dropped_verdicts = 0
        self.delays = [0] * (len(DELAY_BOUNDS_S) + 1)
        self.delay_sum_us = 0
        # Sharing the work, one gateway sees only some of a device's messages: no gaps then.
        self.sequences = Sequences() if gaps else None
        self._recent: set[int] = set()
        self._older: set[int] = set()
        self.turned_at_s = monotonic_s()
        self.progress_at_s = monotonic_s()
        self.waiting = 0
        self.obstacle: str | None = None

    def received(self, deliveries: Sequence[Delivery]) -> None:
        """A batch came in; an empty one is a sign of life and of nothing waiting."""
        self.turned_at_s = self._monotonic_s()
        if not self.waiting:
            self.progress_at_s = self.turned_at_s
        self.messages += len(deliveries)
        self.waiting = len(deliveries)

    def acknowledged(self, facts: Sequence[Fact]) -> None:
        """The batch in hand is durable and acknowledged."""
        self.progress_at_s = self._monotonic_s()
        self.waiting = 0
        now_us = self._now_us()
        for fact in facts:
            if fact.seq is not None:
                self._count(fact.device, fact.at_us, fact.seq, now_us)
        self.stored.update([fact.kind for fact in facts])

    def _count(self, device: str, at_us: int, seq: int, now_us: int) -> None:
        name = hash((device, at_us))
        if name in self._recent or name in self._older:
            self.duplicates += 1
            return
        self._recent.add(name)
        if len(self._recent) >= RECENT_MAX:
            self._older, self._recent = self._recent, set()
        if self.sequences is not None:
            self.sequences.saw(device, seq)
        delay_us = max(0, now_us - at_us)
        self.delay_sum_us += delay_us
        self.delays[bisect_left(_DELAY_BOUNDS_US, delay_us)] += 1

    def set_aside(self, rejected: Sequence[Rejected]) -> None:
        """Messages went to quarantine."""
        self.refused.update(refusal.reason for refusal in rejected)

    def blocked(self, name: str, why: str) -> None:
        """A store cannot take the batch now."""
        self.retries[name] += 1
        self.turned_at_s = self._monotonic_s()
        self.obstacle = f"{name}: {why}"

    def unblocked(self) -> None:
        """The store took it."""
        self.obstacle = None

    def since_turn_s(self) -> float:
        """Since the loop last came round: long means that it hangs."""
        return self._monotonic_s() - self.turned_at_s

    def since_progress_s(self) -> float:
        """Since messages last moved; 0 when none waits."""
        return self._monotonic_s() - self.progress_at_s if self.waiting else 0.0
