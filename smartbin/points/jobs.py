"""The job ``settling``: books what deposits earned, and once a day what has expired."""

from __future__ import annotations

from datetime import date

from smartbin.database.outbox import OutboxKind
from smartbin.jobs.job import Ground, Job, Metric, Progress
from smartbin.points.rules.load import load_tariffs
from smartbin.points.settings import PointsSettings
from smartbin.points.settle import Settler

MARKING = frozenset({OutboxKind.DEPOSIT, OutboxKind.VERDICT, OutboxKind.ACCOUNTS})
"""The rows of the outbox whose transactions leave marks."""


class Settling:
    """The marks are the work list: a wake-up that is lost delays them by a minute, and while a
    store is away they wait.
    """

    def __init__(self, ground: Ground, settings: PointsSettings) -> None:
        tariffs = load_tariffs(settings.tariff_file, ground.registry.communities)
        self._settler = Settler(ground.database, ground.registry, tariffs)
        self._ground = ground
        self._looked: date | None = None

    def __call__(self, progress: Progress) -> bool:
        """One turn; whether marks are left, as while another settler works."""
        now_us, today = self._ground.now_us(), self._ground.today()
        taking, left, stopped = True, False, False

        def stop() -> bool:
            nonlocal stopped
            stopped = stopped or progress.pause()
            return stopped

        while taking and not stopped:
            done = self._settler.settle(now_us, stop=stop)
            progress.done(done.entries)
            left = done.left
            taking = left and done.marks > 0
        if today != self._looked and not stopped:
            progress.done(self._settler.expire(now_us))
            self._looked = today
        return left


JOBS = (
    Job(
        "settling",
        lambda settings: settings.settle_every_s,
        Settling,
        Metric("smartbin_api_ledger_entries", "Ledger entries booked by settling"),
        Metric("smartbin_api_settled_at_seconds", "When settling last succeeded"),
        MARKING,
    ),
)
