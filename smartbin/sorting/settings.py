"""The settings of sorting figures; docs/configuration.md explains each."""

from __future__ import annotations

from pydantic import Field

from smartbin.core.settings import Settings


class SortingSettings(Settings):
    """How often the figures of past days are published (0: never)."""

    publish_every_s: float = Field(default=600, ge=0, le=86_400)
