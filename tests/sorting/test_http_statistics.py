"""Figures of every place, grain and comparison, and rankings, over real stores."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest

from smartbin.core import calendar
from smartbin.facts.events import Deposit, Judge, LevelReading, Verdict
from smartbin.people.tokens import Role
from tests.api.client import NOON_US, TODAY, Api
from tests.places.small import SHANGHAI


def a_day(
    device: str, day: date, deposits: int, correct: int, hours: int = 24, weight_g: int = 1000
) -> list[Deposit | LevelReading]:
    """Judged kitchen deposits on a day, and a sign of life in some of its hours."""
    start_us = calendar.start_us(day, SHANGHAI)
    seq = day.toordinal() * 1000
    return [
        *(
            LevelReading(device, "kitchen", start_us + n * calendar.US_PER_HOUR, 5, None, seq + n)
            for n in range(hours)
        ),
        *(
            Deposit(
                device,
                "kitchen",
                start_us + n * calendar.US_PER_S,
                weight_g,
                Verdict.CORRECT if n < correct else Verdict.INCORRECT,
                Judge.CAMERA,
                seq=seq + hours + n,
            )
            for n in range(deposits)
        ),
    ]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def test_every_grain_sums_to_the_same_total(api: Api) -> None:
    for n in range(20):
        api.writer.append(a_day("bin-001", TODAY - timedelta(days=20 - n), 5 + n, 3 + n))
    address = "communities/oak/sorting?from=2026-10-25&to=2026-11-22&every="
    total = api.get(address + "total")["total"]
    assert total["deposits"] == sum(5 + n for n in range(20))
    for every, rows in (("day", "days"), ("week", "periods"), ("month", "periods")):
        answer = api.get(address + every)
        assert answer["total"] == total
        for name in ("deposits", "weight_g", "judged", "correct"):
            assert sum(row[name] for row in answer[rows]) == total[name], every
    assert [(p["from"], p["to"]) for p in api.get(address + "week")["periods"]] == [
        ("2026-10-25", "2026-10-25"),  # a Sunday
        ("2026-10-26", "2026-11-01"),
        ("2026-11-02", "2026-11-08"),
        ("2026-11-09", "2026-11-15"),
        ("2026-11-16", "2026-11-22"),
    ]
    months = api.get(address + "month")["periods"]
    assert [(p["from"], p["to"]) for p in months] == [
        ("2026-10-25", "2026-10-31"),
        ("2026-11-01", "2026-11-22"),
    ]


def test_a_window_is_compared_with_the_one_before_and_with_last_years(api: Api) -> None:
    api.writer.append(a_day("bin-001", TODAY - timedelta(days=1), 100, 95))
    api.writer.append(a_day("bin-001", TODAY - timedelta(days=2), 80, 60))
    api.writer.append(a_day("bin-001", date(2025, 11, 22), 50, 30))
    day = "communities/oak/sorting?from=2026-11-22&to=2026-11-22&every=total&compare="
    before: Any = api.get(day + "previous")["comparison"]
    assert (before["from"], before["to"]) == ("2026-11-21", "2026-11-21")
    assert (before["deposits"], before["weight_g"]) == (20, 20_000)
    assert before["accuracy"]["value"] == pytest.approx(0.95 - 0.75)
    assert before["accuracy"]["clear"] is True
    assert before["total"]["correct"] == 60
    last_year: Any = api.get(day + "last_year")["comparison"]
    assert (last_year["from"], last_year["deposits"]) == ("2025-11-22", 50)
    assert api.get(day.removesuffix("&compare="))["comparison"] is None


def test_places_hold_what_their_bins_hold(api: Api) -> None:
    yesterday = TODAY - timedelta(days=1)
    api.writer.append(a_day("bin-001", yesterday, 30, 20))
    api.writer.append(a_day("bin-002", yesterday, 12, 12))
    api.writer.append(a_day("point-01", yesterday, 3, 3))
    found = {
        path: api.get(f"{path}/sorting")
        for path in ("communities/oak", "devices/bin-001", "collection-points/point-01")
    }
    found["devices/point-01"] = api.get("devices/point-01/sorting")
    found["site"] = api.get("site/sorting")
    assert {path: answer["total"]["deposits"] for path, answer in found.items()} == {
        "communities/oak": 30,
        "devices/bin-001": 30,
        "collection-points/point-01": 42,
        "devices/point-01": 3,
        "site": 42,
    }
    assert found["collection-points/point-01"]["place"] == "collection_point"
    assert found["site"]["community"] == "testsite"
    for path in ("collection-points/bin-001", "collection-points/nowhere", "devices/nowhere"):
        answer = api.client.get(f"/api/v1/{path}/sorting", headers=api.as_(Role.CREW))
        assert answer.status_code == 404, path


def test_tables_hold_the_rows_of_their_grain(api: Api) -> None:
    api.writer.append(a_day("bin-001", TODAY - timedelta(days=1), 30, 20))
    address = "/api/v1/communities/oak/sorting?from=2026-11-09&to=2026-11-22&format=csv&every="
    tables = {every: rows_of(api.client.get(address + every).text) for every in ("day", "week")}
    tables["total"] = rows_of(api.client.get(address + "total").text)
    assert {every: len(rows) for every, rows in tables.items()} == {
        "day": 14,
        "week": 2,
        "total": 1,
    }
    assert tables["day"][-1]["day"] == "2026-11-22"
    assert (tables["week"][1]["from"], tables["week"][1]["deposits"]) == ("2026-11-16", "30")
    [total] = tables["total"]
    assert (total["to"], total["kitchen_correct"]) == ("2026-11-22", "20")
    evidence = ("silent_devices", "missing_messages", "unordered_days", "quarantined")
    assert [total[name] for name in evidence] == ["", "0", "0", "0"]
    silent = rows_of(api.client.get(address.replace("oak", "elm") + "total").text)[0]
    assert silent["silent_devices"] == "bin-002"


def test_the_hour_that_runs_is_neither_heard_nor_expected(api: Api) -> None:
    """Nor does it stand for one that was missed."""
    passed = calendar.hour_of_day(NOON_US, SHANGHAI)
    start_us = calendar.start_us(TODAY, SHANGHAI)
    hours = [n for n in range(passed + 1) if n != 1]
    api.writer.append(
        [
            LevelReading("bin-001", "kitchen", start_us + n * calendar.US_PER_HOUR, 5, None, n)
            for n in hours
        ]
    )
    window = f"from={TODAY}&to={TODAY}"
    total = api.get(f"communities/oak/sorting?{window}")["total"]
    heard = total["device_hours_heard"], total["device_hours_expected"]
    assert heard == (passed - 1, passed)
    (row,) = [r for r in api.get(f"communities/sorting?{window}")["communities"]
              if r["community"] == "oak"]  # fmt: skip
    assert (row["total"]["device_hours_heard"], row["total"]["device_hours_expected"]) == heard


def test_a_restarted_counter_is_unordered_and_nothing_is_guessed(api: Api) -> None:
    start_us = calendar.start_us(TODAY - timedelta(days=2), SHANGHAI)
    for n, seq in enumerate((5000, 5001, 5002, 0, 1, 2)):
        at_us = start_us + n * calendar.US_PER_HOUR
        api.writer.append([LevelReading("bin-001", "kitchen", at_us, 5, None, seq)])
    window = f"from={TODAY - timedelta(days=2)}&to={TODAY}"
    said = api.get(f"communities/oak/sorting?{window}")
    assert (said["missing_messages"], said["unordered_days"]) == (0, 1)
    lost_us = start_us + calendar.US_PER_DAY
    api.writer.append([LevelReading("bin-001", "kitchen", lost_us, 5, None, 20_003)])
    said = api.get(f"communities/oak/sorting?{window}")
    assert (said["missing_messages"], said["unordered_days"]) == (20_000, 1)


@pytest.mark.parametrize("by", ["accuracy", "kitchen_separation", "weight_per_household"])
def test_the_better_community_leads(api: Api, by: str) -> None:
    for n in range(1, 8):
        day = TODAY - timedelta(days=n)
        api.writer.append(a_day("bin-001", day, 200, 190, weight_g=900))
        api.writer.append(a_day("bin-002", day, 100, 60, weight_g=100))
        start_us = calendar.start_us(day, SHANGHAI)
        api.writer.append(
            [
                Deposit("bin-002", "residual", start_us + 7_200_000_000 + i, 100, seq=9_000 + i)
                for i in range(50)
            ]
        )
    answer: Any = api.get(f"communities/ranking?from=2026-11-16&to=2026-11-22&by={by}")
    ranks = [(r["rank"], r["community"], r["kind"]) for r in answer["ranks"]]
    assert ranks == [(1, "oak", "showcase"), (2, "elm", "standard")]
    assert answer["insufficient"] == []
    assert answer["denominator"]


def test_a_community_that_was_not_heard_is_listed_apart_with_the_reason(api: Api) -> None:
    for n in range(1, 8):
        api.writer.append(a_day("bin-001", TODAY - timedelta(days=n), 50, 40))
        api.writer.append(a_day("bin-002", TODAY - timedelta(days=n), 50, 50, hours=6))
    address = "communities/ranking?from=2026-11-16&to=2026-11-22"
    answer: Any = api.get(address, role=Role.PUBLIC)
    assert [(r["rank"], r["community"], r["n"]) for r in answer["ranks"]] == [(1, "oak", 350)]
    (apart,) = answer["insufficient"]
    heard = [answer["ranks"][0]["completeness"], apart["completeness"]]
    assert heard == [1.0, 0.25], "completeness stands beside every figure"
    table = rows_of(api.client.get(f"/api/v1/{address}&format=csv").text)
    assert [row["community"] for row in table] == ["oak", "elm"], "the insufficient are there too"
    assert (table[1]["rank"], table[1]["insufficient_reason"]) == ("", "completeness")
    assert (apart["community"], apart["insufficient_reason"]) == ("elm", "completeness")
    assert apart["reason"] == "heard in 25 % of the device-hours, at least 50 % are needed"
    few: Any = api.get("communities/ranking?from=2026-11-23&to=2026-11-23")
    assert {row["insufficient_reason"] for row in few["insufficient"]} == {"completeness"}


def test_what_the_data_do_not_tell_apart_shares_a_rank(api: Api) -> None:
    for n in range(1, 8):
        api.writer.append(a_day("bin-001", TODAY - timedelta(days=n), 50, 45))
        api.writer.append(a_day("bin-002", TODAY - timedelta(days=n), 40, 36))
    answer: Any = api.get("communities/ranking?from=2026-11-16&to=2026-11-22")
    assert [(r["rank"], r["community"]) for r in answer["ranks"]] == [(1, "oak"), (1, "elm")]


def test_communities_side_by_side_say_what_each_says_alone(api: Api) -> None:
    for n in range(1, 4):
        api.writer.append(a_day("bin-001", TODAY - timedelta(days=n), 30, 20 + n))
        api.writer.append(a_day("bin-002", TODAY - timedelta(days=n), 12, 12, hours=2))
    days = "from=2026-11-20&to=2026-11-22"
    alone = {id: api.get(f"communities/{id}/sorting?{days}") for id in ("oak", "elm")}
    for every in ("total", "day"):
        rows = api.get(f"communities/sorting?{days}&every={every}")["communities"]
        assert [row["community"] for row in rows] == ["oak", "elm"]
        for row in rows:
            assert row["total"] == alone[row["community"]]["total"]
            assert row["days"] == (alone[row["community"]]["days"] if every == "day" else [])
        table = api.client.get(f"/api/v1/communities/sorting?{days}&every={every}&format=csv").text
        assert len(rows_of(table)) == (6 if every == "day" else 2)


def test_coverage_names_what_is_missing(api: Api) -> None:
    answer = api.get("site/coverage", Role.PUBLIC)
    found = {c["promise"]: (c["have"], c["goal"], c["short"]) for c in answer["coverage"]}
    assert found == {
        "communities": (2, 2, 0),
        "bins": (2, 2, 0),
        "collection_points": (1, 1, 0),
        "plain_bins": (1, 1, 0),
    }
    plain = answer["coverage"][3]
    assert [row["id"] for row in plain["missing"]] == ["elm"], "has no plain bin"
    table = rows_of(api.client.get("/api/v1/site/coverage?format=csv").text)
    assert [row["promise"] for row in table] == list(found)
