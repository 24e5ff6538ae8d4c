"""What goes wrong next, from one seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Crash(BaseException):
    """The machine dies here; nothing in memory survives. No handler may catch it."""


class Evil(StrEnum):
    """The kinds of misfortune. A seed draws which of them its world knows, and how often."""

    CRASH = "the machine dies"
    AWAY = "a store is away before it writes"
    AFTER = "a store fails after it wrote"
    FULL = "a disk is full"
    SHORT = "a disk takes a part of a write"
    LOCKED = "somebody else holds the database"
    SLOW = "a store is so slow that the broker gives the connection up"
    RECONNECT = "the connection ends"
    CLOCK = "the gateway's clock jumps"
    STOP = "the gateway is asked to stop"


MOST = {
    Evil.CRASH: 0.04,
    Evil.AWAY: 0.1,
    Evil.AFTER: 0.08,
    Evil.FULL: 0.06,
    Evil.SHORT: 0.06,
    Evil.LOCKED: 0.06,
    Evil.SLOW: 0.08,
    Evil.RECONNECT: 0.08,
    Evil.CLOCK: 0.1,
    Evil.STOP: 0.3,
}


@dataclass
class Fate:
    """One generator decides everything; ``story`` tells what struck, in order."""

    chance: random.Random
    story: list[str] = field(default_factory=list)
    struck: Counter[Evil] = field(default_factory=Counter)
    calm: bool = False

    def __post_init__(self) -> None:
        self._odds = {
            evil: self.chance.choice([0.0, 0.3, 1.0]) * most for evil, most in MOST.items()
        }

    def strikes(self, evil: Evil, where: str = "") -> bool:
        """Whether it happens now."""
        if self.calm or self.chance.random() >= self._odds[evil]:
            return False
        self.struck[evil] += 1
        self.story.append(f"{evil} {where}".rstrip())
        return True

    def step(self, where: str) -> None:
        """Between any two steps the machine may die."""
        if self.strikes(Evil.CRASH, where):
            raise Crash
