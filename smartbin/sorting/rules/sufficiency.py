"""Why a figure is not said: a typed reason that programs act on, with a sentence for people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class InsufficientWhy(StrEnum):
    """What there is too little of."""

    COMPLETENESS = "completeness"
    JUDGED = "judged"
    WEIGHED = "weighed"
    HOUSEHOLDS = "households"
    ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Insufficient:
    """There is ``have`` where ``need`` is needed: a share of device-hours for COMPLETENESS, else a
    whole number.
    """

    why: InsufficientWhy
    have: float
    need: float

    def __str__(self) -> str:
        return _SENTENCES[self.why].format(have=self._shown(self.have), need=self._shown(self.need))

    def _shown(self, value: float) -> str:
        if self.why is not InsufficientWhy.COMPLETENESS:
            return f"{value:g}"
        # Rounded down, so that what fell short never reads as if it had not.
        return f"{math.floor(value * 1000 + 1e-9) / 10:g} %"


_SENTENCES = {
    InsufficientWhy.COMPLETENESS: "heard in {have} of the device-hours, at least {need} are needed",
    InsufficientWhy.JUDGED: "{have} judged deposits, at least {need} are needed",
    InsufficientWhy.WEIGHED: "{have} weighed deposits, at least {need} are needed",
    InsufficientWhy.HOUSEHOLDS: "{have} registered households, at least {need} are needed",
    InsufficientWhy.ACCOUNTS: "{have} household accounts are known, at least {need} are needed",
}
