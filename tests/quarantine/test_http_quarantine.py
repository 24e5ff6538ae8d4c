"""The office sees what was refused, and only the office."""

from __future__ import annotations

from typing import Any

import pytest

from smartbin.facts.wire import Rejected
from smartbin.people.tokens import Role
from smartbin.quarantine.store import Quarantine
from tests.api.client import NOON_US, Api


def refused(n: int, device: str = "bin-001", reason: str = "bad_value") -> Rejected:
    topic = f"smartbin/v1/testsite/{device}/deposit"
    return Rejected(topic, b"=1+%d" % n, NOON_US + n, reason, "weight_g", "must not be negative")


def test_the_office_sees_the_newest_refusals_whole_and_how_many(api: Api) -> None:
    shelf = Quarantine(api.parts.quarantine)
    shelf.add([refused(n) for n in range(5)])
    shelf.add([refused(9, "bin-002", "unknown_door")])
    answer: Any = api.get("quarantine?limit=2", Role.OFFICE)
    assert answer["total"] == 6
    assert [(c["device"], c["reason"], c["messages"]) for c in answer["counts"]] == [
        ("bin-001", "bad_value", 5),
        ("bin-002", "unknown_door", 1),
    ]
    assert [m["payload"] for m in answer["messages"]] == ["=1+9", "=1+4"]
    assert answer["messages"][0]["received_at"] == "2026-11-23T12:00:00.000009+08:00"
    one: Any = api.get("quarantine?device=bin-002&reason=unknown_door", Role.OFFICE)
    assert (one["total"], len(one["messages"])) == (1, 1)


def test_a_payload_runs_no_formula_in_a_spreadsheet(api: Api) -> None:
    Quarantine(api.parts.quarantine).add([refused(1)])
    answer = api.client.get("/api/v1/quarantine?format=csv", headers=api.as_(Role.OFFICE))
    assert ",'=1+1" in answer.text


def test_nobody_else_sees_it(api: Api) -> None:
    for role, status in ((Role.PUBLIC, 401), (Role.CREW, 403), (Role.COMMUNITY, 403)):
        assert api.client.get("/api/v1/quarantine", headers=api.as_(role)).status_code == status


def test_what_cannot_be_read_is_not_said_to_be_empty(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.parts.quarantine.touch()
    for path in ("quarantine", "communities/oak/sorting?from=2026-11-23&to=2026-11-23"):
        answer = api.client.get(f"/api/v1/{path}", headers=api.as_(Role.OFFICE))
        assert answer.status_code == 503
        assert caplog.messages.pop().endswith("quarantine: Not a directory")
    api.parts.quarantine.unlink()
    (api.parts.quarantine / "quarantine-000001.jsonl").mkdir(parents=True)
    answer = api.client.get("/api/v1/quarantine", headers=api.as_(Role.OFFICE))
    assert answer.status_code == 503
    assert caplog.messages[-1].endswith("quarantine: Is a directory")
