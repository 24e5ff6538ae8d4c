"""What a device says is a claim: which deposits count, and which wait for a person.

A deposit that arrived more than seven days late is held. A person releases or rejects what is
held, and may also void what a broken or forged device said in time. The newest decision that
covers a deposit stands; what arrives after a decision is not covered by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from smartbin.deposit_lines.rules import late


class ClaimState(StrEnum):
    """What became of a claim."""

    COUNTED = "counted"
    HELD = "held"
    RELEASED = "released"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a device's deposits between two instants (both inclusive) that had
    arrived by ``arrived_us``; ``door`` None means every door.
    """

    device: str
    door: str | None
    first_us: int
    last_us: int
    arrived_us: int
    state: ClaimState

    def covers(self, door: str, at_us: int, arrived_us: int | None) -> bool:
        """Whether it is about such a deposit of its device."""
        return (
            self.first_us <= at_us <= self.last_us
            and self.door in (None, door)
            and (arrived_us or 0) <= self.arrived_us
        )


def claim_state(
    newest_first: Sequence[Decision], door: str, at_us: int, arrived_us: int | None
) -> ClaimState:
    """The state of a deposit, by its device's decisions."""
    for decision in newest_first:
        if decision.covers(door, at_us, arrived_us):
            return decision.state
    return ClaimState.HELD if late(at_us, arrived_us) else ClaimState.COUNTED
