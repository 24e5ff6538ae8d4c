"""Active alarms as crews and the office see them."""

from __future__ import annotations

from smartbin.facts.events import Alarm, AlarmType
from smartbin.people.principals import Role
from tests.api.client import NOON_US, Api

MINUTE_US = 60_000_000


def told(api: Api, role: Role = Role.CREW) -> list[tuple[str, str]]:
    return [(row["device"], row["type"]) for row in api.get("alarms", role)["alarms"]]


def test_fire_comes_before_what_is_older_and_what_has_ended_is_gone(api: Api) -> None:
    assert told(api) == []
    jam = Alarm("bin-001", "kitchen", NOON_US - 9 * MINUTE_US, AlarmType.JAM, True)
    fire = Alarm("bin-002", "", NOON_US - MINUTE_US, AlarmType.FIRE, True)
    tilt = Alarm("bin-002", "", NOON_US - 8 * MINUTE_US, AlarmType.TILT, True)
    api.writer.append([jam, fire, tilt])
    assert told(api) == [("bin-002", "fire"), ("bin-001", "jam"), ("bin-002", "tilt")]
    (first, *_) = api.get("alarms")["alarms"]
    assert first["since"] == "2026-11-23T11:59:00+08:00"
    assert first["community"] == "elm"
    api.writer.append([Alarm("bin-002", "", NOON_US, AlarmType.FIRE, False)])
    assert told(api) == [("bin-001", "jam"), ("bin-002", "tilt")]


def test_a_community_sees_its_own_alarms(api: Api) -> None:
    both = [Alarm(b, "", NOON_US, AlarmType.FIRE, True) for b in ("bin-001", "bin-002")]
    api.writer.append(both)
    assert told(api, Role.COMMUNITY) == [("bin-001", "fire")]
    assert len(told(api, Role.OFFICE)) == 2
