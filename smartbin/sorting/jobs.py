"""The job ``publishing``: publishes the figures of past days that changed."""

from __future__ import annotations

from datetime import date

from smartbin.jobs.job import Ground, Job, Metric, Progress
from smartbin.sorting.publish import BACK_DAYS, SOON_DAYS, publish
from smartbin.sorting.settings import SortingSettings


class Publishing:
    """All of the last year once a day, else the last weeks: what comes late comes soon."""

    def __init__(self, ground: Ground, _settings: SortingSettings) -> None:
        self._ground = ground
        self._looked: date | None = None

    def __call__(self, progress: Progress) -> bool:
        """One turn."""
        on, today = self._ground, self._ground.today()
        back_days = SOON_DAYS if self._looked == today else BACK_DAYS
        progress.done(publish(on.registry, on.reader, on.database, on.now_us(), back_days))
        self._looked = today
        return False


JOBS = (
    Job(
        "publishing",
        lambda settings: settings.publish_every_s,
        Publishing,
        Metric("smartbin_api_figure_revisions", "Figures of past days published"),
        Metric("smartbin_api_published_at_seconds", "When publishing last succeeded"),
    ),
)
