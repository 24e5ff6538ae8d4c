"""Whose verdict stands: the inspector's outranks the supervisor's, and both the camera's; among
equals the newest. A verdict by one who is outranked is kept too, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from smartbin.facts.events import DoorKey, Judge, Verdict

_RANK = {None: 0, Judge.CAMERA: 1, Judge.SUPERVISOR: 2, Judge.INSPECTOR: 3}


class DepositKey(NamedTuple):
    """What names a deposit."""

    device: str
    door: str
    at_us: int


@dataclass(frozen=True, slots=True)
class HumanVerdict:
    """A person's verdict on a deposit: ``judge`` is the office of ``who``, ``device_verdict``
    what the device had said.
    """

    deposit: DepositKey
    day: date
    device_verdict: Verdict | None
    device_judge: Judge | None
    verdict: Verdict
    judge: Judge
    who: str
    why: str
    judged_at_us: int


def standing(
    verdict: Verdict | None, judge: Judge | None, judgements: Iterable[HumanVerdict]
) -> tuple[Verdict | None, Judge | None]:
    """The verdict that stands, and whose it is, after the device's own and people's in order of
    time.
    """
    for j in judgements:
        if _RANK[j.judge] >= _RANK[judge]:
            verdict, judge = j.verdict, j.judge
    return verdict, judge


def correction_of(key: DepositKey, judged: Sequence[HumanVerdict]) -> Correction | None:
    """What people's verdicts on one deposit, oldest first, change in its device's counts."""
    first = judged[0]
    verdict, _ = standing(first.device_verdict, first.device_judge, judged)
    if verdict is None:
        return None
    door = DoorKey(key.device, key.door)
    return correct_by(door, first.day, first.device_verdict, verdict)


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person's verdict on one deposit adds to the device's own counts of its door and
    day: ``judged`` 0 or 1, ``correct`` -1, 0 or 1.
    """

    door: DoorKey
    day: date
    judged: int
    correct: int


def correct_by(
    door: DoorKey, day: date, device: Verdict | None, person: Verdict
) -> Correction | None:
    """The correction when a person judged a deposit on which the device had said ``device``;
    None when they agree.
    """
    judged = int(device is None)
    right = int(person is Verdict.CORRECT) - int(device is Verdict.CORRECT)
    return Correction(door, day, judged, right) if judged or right else None
