"""The job ``trimming``: removes the rows that the outbox kept long enough."""

from __future__ import annotations

from smartbin.core.settings import Settings
from smartbin.database import outbox
from smartbin.jobs.job import Ground, Job, Metric, Progress

TRIM_EVERY_S = 600.0


class Trimming:
    """Every turn removes what is too old or too much by then."""

    def __init__(self, ground: Ground, _settings: Settings) -> None:
        self._ground = ground

    def __call__(self, progress: Progress) -> bool:
        """One turn."""
        progress.done(outbox.trim(self._ground.database, self._ground.now_us()))
        return False


JOBS = (
    Job(
        "trimming",
        lambda _settings: TRIM_EVERY_S,
        Trimming,
        Metric("smartbin_api_outbox_rows_removed", "Rows removed from the outbox"),
        Metric("smartbin_api_outbox_trimmed_at_seconds", "When the outbox was last trimmed"),
    ),
)
