"""When a crew's confirmation cannot be right, and how long one counts."""

from __future__ import annotations

from datetime import date

import pytest

from smartbin.collection.rules import (
    AHEAD_US,
    BACK_US,
    CONFIRMED_BACK_US,
    Confirmation,
    ConfirmationReason,
    confirmation_fault,
    valid_confirmation,
)
from smartbin.core import calendar
from smartbin.facts.events import Category
from tests.places.small import SHANGHAI, small_registry

DAY = date(2026, 11, 20)
NOW_US = calendar.start_us(DAY, SHANGHAI) + 12 * calendar.US_PER_HOUR


def confirmation(
    at_us: int = NOW_US, device: str = "bin-001", door: str = "kitchen"
) -> Confirmation:
    return Confirmation("id", "round", "crew", device, door, at_us)


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        (confirmation(), None),
        (confirmation(NOW_US + AHEAD_US), None),
        (confirmation(NOW_US + AHEAD_US + 1), ConfirmationReason.FUTURE),
        (confirmation(NOW_US - BACK_US), None),
        (confirmation(NOW_US - BACK_US - 1), ConfirmationReason.TOO_OLD),
        (confirmation(door="attic"), ConfirmationReason.UNKNOWN_DOOR),
        (confirmation(device="bin-009"), ConfirmationReason.UNKNOWN_DOOR),
        (confirmation(door="residual"), ConfirmationReason.OTHER_CATEGORY),
    ],
)
def test_why_a_confirmation_cannot_be_right(
    what: Confirmation, fault: ConfirmationReason | None
) -> None:
    assert confirmation_fault(what, Category.KITCHEN, small_registry(), NOW_US) is fault


def test_a_door_takes_what_the_registry_says_and_not_what_it_is_called() -> None:
    registry = small_registry(took={("bin-001", "kitchen"): Category.RESIDUAL})
    asked = (confirmation(), Category.KITCHEN, registry, NOW_US)
    assert confirmation_fault(*asked) is ConfirmationReason.OTHER_CATEGORY


def test_a_confirmation_counts_until_the_sensor_reports_again() -> None:
    one = confirmation(NOW_US - 10)
    assert valid_confirmation(one, None, NOW_US) is one
    assert valid_confirmation(one, NOW_US - 11, NOW_US) is one
    assert valid_confirmation(one, NOW_US - 10, NOW_US) is None
    assert valid_confirmation(None, None, NOW_US) is None


def test_a_confirmation_counts_for_half_a_day() -> None:
    oldest = confirmation(NOW_US - CONFIRMED_BACK_US)
    assert valid_confirmation(oldest, None, NOW_US) is oldest
    assert valid_confirmation(oldest, None, NOW_US + 1) is None
