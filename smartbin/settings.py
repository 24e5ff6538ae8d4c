"""What a program over the whole site reads: the stores, and the settings of every capability."""

from __future__ import annotations

from smartbin.core.settings import StoreSettings
from smartbin.jobs.settings import JobsSettings
from smartbin.points.settings import PointsSettings
from smartbin.sorting.settings import SortingSettings


class SiteSettings(StoreSettings, JobsSettings, PointsSettings, SortingSettings):
    """What the API and ``smartbin jobs`` have in common."""
