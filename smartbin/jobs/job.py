"""What a capability says of each of its jobs, in ``jobs.py``; capabilities.py lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from smartbin.core import calendar
from smartbin.core.settings import Settings
from smartbin.database import Database
from smartbin.database.outbox import OutboxKind
from smartbin.places import Registry
from smartbin.telemetry import TelemetryReader

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Ground:
    """What every job stands on. ``now_us`` is the only clock: UTC microseconds."""

    registry: Registry
    reader: TelemetryReader
    database: Database
    now_us: Callable[[], int]

    def today(self) -> date:
        """The site's calendar day it is now."""
        return calendar.day_of(self.now_us(), self.registry.site.zone)


class Progress(Protocol):
    """How a turn speaks with the runner."""

    def pause(self) -> bool:
        """To be called between two transactions: lets others write; True when the turn must end."""
        ...

    def done(self, count: int) -> None:
        """Count what was done, for the job's metric."""
        ...


Turn = Callable[[Progress], bool]
"""One turn of a job; answers whether work is left. It may raise: the runner logs and counts the
failure, and tries again.
"""


class Metric(NamedTuple):
    """The name of a metric and what it says."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Job(Generic[S]):
    """A job: ``every_s`` answers the seconds between two turns as the settings say (0: never), and
    ``prepare`` what a turn does. ``counts`` and ``succeeded`` are its metrics: how much was done,
    and when a turn last succeeded. A job with ``woken_by`` waits for such rows of the outbox, or
    for a minute, before its next turn.
    """

    name: str
    every_s: Callable[[S], float]
    prepare: Callable[[Ground, S], Turn]
    counts: Metric
    succeeded: Metric
    woken_by: frozenset[OutboxKind] = frozenset()


AnyJob = Job[Any]
