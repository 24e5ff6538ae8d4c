"""Integrity signals as the office asks for them, over real stores."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from smartbin.accounts.store import Accounts
from smartbin.core import calendar
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit, LevelReading
from smartbin.people.principals import Role
from smartbin.points.card_deposits import around
from tests.api.client import NOON_US, TODAY, Api
from tests.places.small import SHANGHAI

START_US = calendar.start_us(TODAY, SHANGHAI)
MINUTE_US = 60 * calendar.US_PER_S
TABLE = "card,kind,community,from,to,account\nH1,household,oak,2025-01-01,,11111111\n"


def put(minute: float, card: str = "H1", bin_: str = "bin-001", **more: Any) -> Deposit:
    """A deposit so many minutes after the day's start."""
    fields = {"door": "kitchen", "weight_g": 500, **more}
    return Deposit(bin_, at_us=START_US + int(minute * MINUTE_US), account=card, **fields)


@pytest.fixture
def keep(api: Api, tmp_path: Path) -> Any:
    path = tmp_path / "accounts.csv"
    path.write_text(TABLE, encoding="utf-8")
    Accounts(api.parts.database).load(path, api.parts.registry.communities, NOON_US)

    def keep(*deposits: Deposit) -> None:
        DepositLines(api.parts.database, SHANGHAI).append(deposits)

    return keep


def ask(api: Api, query: str = "") -> Any:
    return api.get(f"signals{query}", Role.OFFICE)


def test_one_card_at_two_bins(api: Api, keep: Any) -> None:
    keep(put(600), put(601, bin_="bin-002", door="residual"))
    found = ask(api)
    assert (found["day"], found["total"]) == ("2026-11-23", 1)
    (signal,) = found["signals"]
    assert (signal["kind"], signal["accounts"]) == ("two_places", ["11111111"])
    assert signal["at"] == "2026-11-23T10:00:00+08:00"
    assert signal["evidence"]["apart_m"] == 400
    assert "400 m away" in signal["en"]
    assert "相距 400 米" in signal["zh"]
    assert ask(api, "?kind=splitting")["signals"] == []
    assert ask(api, "?account=11111111")["total"] == 1
    assert ask(api, "?account=22222222")["total"] == 0
    assert ask(api, "?day=2026-11-22")["total"] == 0


def test_weight_is_held_against_the_sensor(api: Api, keep: Any) -> None:
    """132 kg into 1,320 l are 10 % at the least; the level stood still."""
    doors = {"kitchen": 132_000, "residual": 131_999}
    for n, (door, weight_g) in enumerate(doors.items()):
        keep(*(put(600 + 20 * k + n, door=door, weight_g=weight_g // 4) for k in range(4)))
        rest = weight_g - weight_g // 4 * 4
        if rest:
            keep(put(690, door=door, weight_g=rest))
    levels = [
        LevelReading("bin-001", door, START_US + minute * MINUTE_US, 30)
        for door in doors
        for minute in (590, 700)
    ]
    api.writer.append(levels)
    (signal,) = ask(api, "?kind=weight_unseen")["signals"]
    assert signal["accounts"] == ["11111111"]
    assert signal["evidence"] == {
        "device": "bin-001",
        "door": "kitchen",
        "weight_g": 132_000,
        "least_pct": 10,
        "rose_pct": 0,
    }


def test_a_volume_is_held_against_its_weight(api: Api, keep: Any) -> None:
    keep(put(600, volume_ml=900), put(700, volume_ml=100), put(800))
    (signal,) = ask(api)["signals"]
    assert (signal["kind"], signal["accounts"]) == ("weight_volume", ["11111111"])
    assert signal["at"] == "2026-11-23T11:40:00+08:00"
    assert (signal["evidence"]["volume_ml"], signal["evidence"]["density_g_l"]) == (100, 5_000)
    assert ask(api, "?kind=weight_volume")["total"] == 1


def test_what_begins_on_a_day_is_that_days_and_a_card_of_nobody_stands_for_itself(
    api: Api, keep: Any
) -> None:
    over_midnight = [put(-20 + 10 * n, "lost", door="residual") for n in range(5)]
    keep(*over_midnight)
    yesterday = ask(api, "?day=2026-11-22")["signals"]
    assert {(s["kind"], *s["accounts"]) for s in yesterday} == {
        ("splitting", "lost"),
        ("night_burst", "lost"),
    }
    assert ask(api)["total"] == 0


def test_as_a_table_and_within_bounds(api: Api, keep: Any) -> None:
    keep(*(put(600 + n) for n in range(4)), *(put(700 + n) for n in range(4)))
    answer = api.client.get("/api/v1/signals?format=csv", headers=api.as_(Role.OFFICE))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["kind"], row["accounts"]) for row in rows] == [("splitting", "11111111")] * 2
    assert [s["kind"] for s in ask(api, "?limit=1")["signals"]] == ["splitting"]
    assert ask(api, "?limit=1")["total"] == 2
    both, first = ask(api)["signals"], ask(api, "?limit=1")
    second = ask(api, f"?limit=1&cursor={first['next']}")
    assert first["signals"] + second["signals"] == both
    assert second["next"] is None
    for wrong in ("2026-11-24", "2019-12-31", "soon"):
        refused = api.client.get(f"/api/v1/signals?day={wrong}", headers=api.as_(Role.OFFICE))
        assert refused.status_code == 422
        assert refused.json()["parameter"] == "day"
    assert ask(api, "?day=2020-01-01")["total"] == 0


def test_deposits_around_a_day_with_whose_cards_they_were(api: Api, keep: Any) -> None:
    moved = TABLE.replace("2025-01-01,,", "2025-01-01,2026-11-22,")
    moved += "H1,household,elm,2026-11-23,,22222222\n"
    path = api.parts.quarantine.parent / "moved.csv"
    path.write_text(moved, encoding="utf-8")
    Accounts(api.parts.database).load(path, api.parts.registry.communities, NOON_US)
    minutes = (-121, -120, -1, 0, 1439, 1559, 1561)
    keep(*(put(minute) for minute in minutes), put(5, door="cellar"))
    found = around(api.parts.database, api.parts.registry, TODAY)
    by_minute = {(c.deposit.at_us - START_US) // MINUTE_US: c for c in found}
    assert sorted(by_minute) == [-120, -1, 0, 5, 1439, 1559]
    assert by_minute[-1].account == "11111111"
    assert by_minute[0].account == "22222222"
    assert by_minute[0].deposit.community == "oak"
    assert by_minute[5].deposit.category is None
    assert by_minute[-1].deposit.day == date(2026, 11, 23) - timedelta(days=1)
