"""What a program over the whole site reads: the stores, and the settings of every capability."""

from __future__ import annotations

from smartbin.core.settings import StoreSettings
from smartbin.points.settings import PointsSettings


class SiteSettings(StoreSettings, PointsSettings):
    """What the API and ``smartbin jobs`` have in common."""
