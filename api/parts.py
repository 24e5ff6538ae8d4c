"""What the API is made of: built once by ``__main__`` (or a test), handed to every handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from api.recent import RecentAnswers
from api.stores import Stores
from smartbin.core import calendar
from smartbin.database import Database
from smartbin.places import Registry
from smartbin.points.rules.tariff import Tariffs
from smartbin.quarantine.refusals import RefusalCounts
from smartbin.sorting.rules.limits import DEFAULT, Limits
from smartbin.telemetry import TelemetryReader


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts. ``now_us`` is the only clock: UTC microseconds; ``static`` is the folder that
    the screens are built into; None serves none. ``limits`` say when a figure may be said.
    """

    registry: Registry
    reader: TelemetryReader
    database: Database
    quarantine: Path
    now_us: Callable[[], int]
    static: Path | None = None
    limits: Limits = DEFAULT
    tariffs: Tariffs = field(default_factory=lambda: Tariffs(()))
    stores: Stores = field(init=False)
    refusals: RefusalCounts = field(init=False)
    recent: RecentAnswers = field(init=False, default_factory=RecentAnswers)

    def __post_init__(self) -> None:
        """Build what is built once: the stores, and the counts of the quarantine."""
        refusals = RefusalCounts(self.quarantine, self.registry.site.zone)
        object.__setattr__(self, "refusals", refusals)
        object.__setattr__(self, "stores", Stores(self.database, self.registry, self.tariffs))

    def today(self) -> date:
        """The site's calendar day it is now."""
        return calendar.day_of(self.now_us(), self.registry.site.zone)

    def local(self, at_us: int) -> datetime:
        """An instant as the API shows it: in the site's zone, with its offset."""
        return calendar.from_us(at_us, self.registry.site.zone)

    def local_or_none(self, at_us: int | None) -> datetime | None:
        """The same, where there may be no instant."""
        return None if at_us is None else self.local(at_us)


async def parts_of(request: Request) -> Parts:
    """The parts of the application that answers this request."""
    parts: Parts = request.app.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(parts_of)]
