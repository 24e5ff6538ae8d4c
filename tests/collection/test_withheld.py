"""A bin that burns or smokes is nobody's work."""

from __future__ import annotations

import pytest

from smartbin.collection.rules import Policy, stops, withheld
from smartbin.facts.events import Alarm, AlarmType, DoorKey, LevelReading
from smartbin.places import Door
from tests.places.small import small_registry

NOW_US = 1_800_000_000_000_000
REGISTRY = small_registry()
DOORS = [
    *REGISTRY.doors_of_device("bin-001"),
    *REGISTRY.doors_of_device("bin-002"),
]


def alarm(device: str, kind: AlarmType, ago_us: int = 0, door: str = "") -> Alarm:
    return Alarm(device, door, NOW_US - ago_us, kind, True)


def listed(doors: list[Door], off_limits: set[str]) -> set[DoorKey]:
    full = {door.key: LevelReading(*door.key, NOW_US, 99, None) for door in doors}
    found = stops(
        doors,
        full,
        NOW_US,
        Policy(),
        threshold_pct=None,
        full_since=lambda _: {},
        off_limits=off_limits,
    )
    return {stop.door.key for stop in found}


@pytest.mark.parametrize("kind", [AlarmType.FIRE, AlarmType.SMOKE])
def test_one_door_that_burns_takes_all_doors_of_its_bin_off_the_list(kind: AlarmType) -> None:
    (one,) = withheld(DOORS, [alarm("bin-001", kind, door="residual")])
    assert (one.device, one.reason, one.since_us) == ("bin-001", kind, NOW_US)
    assert set(one.doors) == set(REGISTRY.doors_of_device("bin-001"))
    assert {key.device for key in listed(DOORS, {one.device})} == {"bin-002"}
    assert {key.device for key in listed(DOORS, set())} == {"bin-001", "bin-002"}


def test_fire_is_the_graver_word_and_comes_first() -> None:
    smoke = alarm("bin-001", AlarmType.SMOKE, 9)
    assert [one.device for one in withheld(DOORS, [smoke, alarm("bin-002", AlarmType.FIRE)])] == [
        "bin-002",
        "bin-001",
    ]
    (both,) = withheld(DOORS, [smoke, alarm("bin-001", AlarmType.FIRE, 5)])
    assert (both.reason, both.since_us) == (AlarmType.FIRE, NOW_US - 5)


@pytest.mark.parametrize("kind", sorted(set(AlarmType) - {AlarmType.FIRE, AlarmType.SMOKE}))
def test_no_other_alarm_keeps_a_crew_away(kind: AlarmType) -> None:
    assert withheld(DOORS, [alarm("bin-001", kind)]) == []


def test_an_alarm_that_has_ended_or_of_another_place_withholds_nothing() -> None:
    ended = Alarm("bin-001", "", NOW_US, AlarmType.FIRE, active=False)
    assert withheld(DOORS, [ended, alarm("bin-099", AlarmType.FIRE)]) == []
