"""The dictionary as its tests read it."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from pathlib import Path

PATH = Path("smartbin/learning/dictionary.csv")


@dataclass(frozen=True)
class Thing:
    row: dict[str, str]

    def __getattr__(self, name: str) -> str:
        return self.row[name]

    @property
    def names(self) -> list[str]:
        """What it is called in Chinese, its own name first."""
        return [self.row["zh"], *self.row["aliases"].split()]

    def __str__(self) -> str:
        return f"{self.row['id']} {self.row['zh']}"


def read() -> list[Thing]:
    with PATH.open(encoding="utf-8-sig", newline="") as lines:
        return [Thing(row) for row in csv.DictReader(lines)]


def hits(things: list[Thing], query: str) -> list[Thing]:
    """Things whose name or alias contains the query."""
    wanted = unicodedata.normalize("NFKC", query)
    return [
        thing
        for thing in things
        if any(wanted in unicodedata.normalize("NFKC", name) for name in thing.names)
    ]
