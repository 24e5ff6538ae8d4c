"""``tariff.toml`` of a site's folder, checked."""

from __future__ import annotations

from pathlib import Path

from smartbin.places import Registry
from smartbin.points.rules.describe import describe
from smartbin.points.rules.load import load_tariffs


def check(path: Path, registry: Registry | None) -> list[str]:
    """The tariff in sentences, Chinese and English; raises BadInput with every mistake."""
    tariffs = load_tariffs(path, registry.communities if registry is not None else None)
    return [line for text in describe(tariffs) for line in (text.zh, text.en)]
