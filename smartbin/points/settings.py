"""The settings of points; docs/configuration.md explains each."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from smartbin.core.settings import Settings


class PointsSettings(Settings):
    """Which rules hold, and how often points are booked (0: never)."""

    tariff: Path | None = None
    settle_every_s: float = Field(default=5, ge=0, le=3600)

    @property
    def tariff_file(self) -> Path:
        """The file of the tariff: the site's, unless another one is named."""
        return self.tariff or self.site / "tariff.toml"
