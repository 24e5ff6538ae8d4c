"""Active alarms as crews and the office see them."""

from __future__ import annotations

import csv
import io
from typing import Any

from smartbin.facts.events import Alarm, AlarmType, LevelReading
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


def full(api: Api, query: str = "", role: Role = Role.CREW) -> tuple[set[str], list[Any]]:
    """The devices on the work list, and what is withheld from it."""
    answer = api.get(f"bins/full{query}", role)
    return {row["device"] for row in answer["doors"]}, answer["withheld"]


def test_a_burning_bin_is_off_the_work_list_until_its_alarm_ends(api: Api) -> None:
    doors = ("kitchen", "recyclable", "hazardous", "residual")
    api.writer.append([LevelReading("bin-001", door, NOON_US, 99) for door in doors])
    assert "bin-001" in full(api)[0]
    assert full(api)[1] == []
    api.writer.append([Alarm("bin-001", "residual", NOON_US, AlarmType.SMOKE, True)])
    for query in ("", "?category=kitchen", "?threshold_pct=1", "?collection_point=point-01"):
        listed, withheld = full(api, query)
        assert "bin-001" not in listed
        (one,) = withheld
        assert (one["device"], one["reason"], one["community"]) == ("bin-001", "smoke", "oak")
        assert one["since"] == "2026-11-23T12:00:00+08:00"
        assert sorted(one["doors"]) == sorted(doors)
    api.writer.append([Alarm("bin-001", "", NOON_US + 1, AlarmType.FIRE, True)])
    api.writer.append([Alarm("bin-001", "residual", NOON_US + 2, AlarmType.SMOKE, False)])
    assert [one["reason"] for one in full(api)[1]] == ["fire"]
    api.writer.append([Alarm("bin-001", "", NOON_US + 3, AlarmType.FIRE, False)])
    listed, withheld = full(api)
    assert "bin-001" in listed
    assert withheld == []


def test_the_printed_work_list_names_what_must_not_be_touched_first(api: Api) -> None:
    api.writer.append([LevelReading("bin-001", "kitchen", NOON_US, 99)])
    api.writer.append([Alarm("bin-001", "", NOON_US, AlarmType.FIRE, True)])
    answer = api.client.get(
        "/api/v1/bins/full?format=csv", headers=api.as_(Role.CREW)
    ).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(answer)))
    own = [row for row in rows if row["device"] == "bin-001"]
    assert rows[: len(own)] == own
    assert {(row["state"], row["withheld_for"]) for row in own} == {("withheld", "fire")}
    assert {row["withheld_for"] for row in rows[len(own) :]} == {""}


def test_a_community_hears_of_its_own_burning_bins_only(api: Api) -> None:
    api.writer.append([Alarm(b, "", NOON_US, AlarmType.FIRE, True) for b in ("bin-001", "bin-002")])
    assert [one["device"] for one in full(api, role=Role.COMMUNITY)[1]] == ["bin-001"]
    assert len(full(api, role=Role.OFFICE)[1]) == 2
