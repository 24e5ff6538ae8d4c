"""The office's list of devices: who needs somebody, and why."""

from __future__ import annotations

from dataclasses import replace

from smartbin.core import calendar
from smartbin.facts.events import Alarm, AlarmType, DeviceState, LevelReading, Status
from smartbin.facts.wire import Rejected
from smartbin.people.tokens import Role
from smartbin.quarantine.store import Quarantine
from tests.api.client import NOON_US, Api

HOUR_US = calendar.US_PER_HOUR


def well(device: str) -> list[LevelReading]:
    """Heard in every hour of a week."""
    return [
        LevelReading(device, "kitchen", NOON_US - n * HOUR_US - 1, 5, None, 9_000 - n)
        for n in range(7 * 24)
    ]


def cares(api: Api, role: Role = Role.OFFICE) -> dict[str, list[str]]:
    return {row["id"]: row["care"] for row in api.get("devices", role)["devices"]}


def test_each_device_says_what_it_needs_and_the_gravest_lead(api: Api) -> None:
    api.writer.append([*well("bin-001"), *well("bin-002")])
    assert cares(api) == {"point-01": ["silent", "gaps"], "bin-001": [], "bin-002": []}
    api.writer.append(
        [
            Alarm("bin-002", "", NOON_US - 9, AlarmType.FIRE, True),
            LevelReading("bin-002", "kitchen", NOON_US, None, "blind"),
            Status("bin-001", NOON_US - 7, DeviceState.OFFLINE, battery_pct=12),
        ]
    )
    wrong = Rejected("smartbin/v1/testsite/bin-001/deposit", b"{", NOON_US, "bad_json", "", "")
    again = replace(wrong, payload=b'{"seq": 1001}', reason="conflict")
    Quarantine(api.parts.quarantine).add([wrong, again])
    found = cares(api)
    assert list(found) == ["bin-002", "point-01", "bin-001"]
    assert found["bin-002"] == ["alarm", "fault"]
    assert found["bin-001"] == ["offline", "battery", "refused"]
    refused = {
        r["id"]: (r["refused_messages"], r["conflicts"])
        for r in api.get("devices", Role.OFFICE)["devices"]
    }
    assert refused == {"bin-001": (2, 1), "bin-002": (0, 0), "point-01": (0, 0)}


def test_a_community_sees_its_own_devices(api: Api) -> None:
    assert list(cares(api, Role.COMMUNITY)) == ["bin-001"]


def test_the_list_opens_in_a_spreadsheet(api: Api) -> None:
    answer = api.client.get("/api/v1/devices?format=csv", headers=api.as_(Role.OFFICE))
    assert answer.content.decode("utf-8-sig").startswith("id,kind,name,community,care,")
    assert "point-01" in answer.text
