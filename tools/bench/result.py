"""One measured promise."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tests.real import ROOT

SITE = ROOT / "deploy/xinbei"


@dataclass(frozen=True, slots=True)
class Result:
    """``value`` must be at least, or at most, ``asked``; ``how`` says what was measured."""

    name: str
    value: float
    unit: str
    asked: float | None = None
    at_most: bool = False
    how: str = ""

    def kept(self) -> bool:
        """Whether the promise is kept; true where nothing is asked."""
        if self.asked is None:
            return True
        return self.value <= self.asked if self.at_most else self.value >= self.asked

    def line(self) -> str:
        """A row of the table."""
        sign = "" if self.asked is None else f"{'<=' if self.at_most else '>='} {self.asked:g}"
        mark = "  " if self.asked is None else "ok" if self.kept() else "NO"
        return (
            f"{mark}  {self.name:<52} {self.value:>10,.4g} {self.unit:<9} {sign:<9} {self.how:<48}"
        )

    def as_json(self) -> dict[str, object]:
        """The same, for machines."""
        return {**asdict(self), "kept": self.kept()}
