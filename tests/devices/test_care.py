"""What a device needs, and what a board calls a bin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smartbin.collection.rules import Policy
from smartbin.devices.rules import (
    BATTERY_LOW_PCT,
    COMPLETENESS_LOW,
    BinState,
    Care,
    Health,
    alarm_urgency,
    bin_state,
    care,
    last_heard_us,
    urgency,
)
from smartbin.facts.events import Alarm, AlarmType, DeviceState, LevelReading, Status

POLICY = Policy(silent_after_us=100)
NOW_US = 1_000
ONLINE = Status("bin-001", 950, DeviceState.ONLINE, battery_pct=BATTERY_LOW_PCT)
OFFLINE = replace(ONLINE, state=DeviceState.OFFLINE)
WELL = Health(ONLINE, 900, 0, 0, COMPLETENESS_LOW, 0)


@pytest.mark.parametrize(
    ("health", "needs"),
    [
        (WELL, []),
        (replace(WELL, alarms=1), [Care.ALARM]),
        (replace(WELL, last_us=899), [Care.SILENT]),
        (replace(WELL, last_us=None, status=None), [Care.SILENT]),
        (replace(WELL, status=OFFLINE), [Care.OFFLINE]),
        (replace(WELL, status=OFFLINE, last_us=899), [Care.SILENT]),
        (replace(WELL, faulty_doors=1), [Care.FAULT]),
        (replace(WELL, status=replace(ONLINE, battery_pct=BATTERY_LOW_PCT - 1)), [Care.BATTERY]),
        (replace(WELL, status=replace(ONLINE, battery_pct=0)), [Care.BATTERY]),
        (replace(WELL, status=replace(ONLINE, battery_pct=None)), []),
        (replace(WELL, completeness=COMPLETENESS_LOW - 0.001), [Care.GAPS]),
        (replace(WELL, completeness=0.0), [Care.GAPS]),
        (replace(WELL, completeness=None), []),
        (replace(WELL, refused_messages=1), [Care.REFUSED]),
        (Health(replace(OFFLINE, battery_pct=1), 950, 2, 1, 0.5, 9),
         [Care.ALARM, Care.OFFLINE, Care.FAULT, Care.BATTERY, Care.GAPS, Care.REFUSED]),
    ],
)  # fmt: skip
def test_a_device_says_what_it_needs_gravest_first(health: Health, needs: list[Care]) -> None:
    assert list(care(health, NOW_US, POLICY)) == needs
    assert needs == sorted(needs, key=list(Care).index)


def test_the_gravest_need_leads_the_list() -> None:
    assert urgency([Care.REFUSED, Care.SILENT]) == urgency([Care.SILENT]) == 1
    assert urgency([Care.ALARM]) < urgency([Care.REFUSED]) < urgency([])


def test_a_device_was_heard_when_its_status_or_a_door_was() -> None:
    readings = [LevelReading("bin-001", "kitchen", at_us, 5) for at_us in (940, 960)]
    assert last_heard_us(ONLINE, readings) == 960
    assert last_heard_us(ONLINE, readings[:1]) == 950
    assert last_heard_us(None, readings[:1]) == 940
    assert last_heard_us(None, []) is None


def test_a_board_calls_a_bin_silent_before_it_believes_its_last_word() -> None:
    assert bin_state(ONLINE, 900, NOW_US, POLICY) is BinState.ONLINE
    assert bin_state(None, 900, NOW_US, POLICY) is BinState.ONLINE
    assert bin_state(OFFLINE, 900, NOW_US, POLICY) is BinState.OFFLINE
    assert bin_state(OFFLINE, 899, NOW_US, POLICY) is BinState.SILENT
    assert bin_state(ONLINE, None, NOW_US, POLICY) is BinState.SILENT


def test_fire_and_smoke_lead_and_then_the_longest_active() -> None:
    alarms = [
        Alarm("bin-001", "", 3, AlarmType.SMOKE, True),
        Alarm("bin-002", "", 1, AlarmType.JAM, True),
        Alarm("bin-001", "", 2, AlarmType.JAM, True),
        Alarm("bin-003", "", 9, AlarmType.FIRE, True),
        Alarm("bin-000", "", 2, AlarmType.JAM, True),
    ]
    led = [(a.type, a.at_us, a.device) for a in sorted(alarms, key=alarm_urgency)]
    assert [at_us for _, at_us, _ in led] == [3, 9, 1, 2, 2]
    assert [device for *_, device in led[3:]] == ["bin-000", "bin-001"]
