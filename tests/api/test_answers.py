"""What the API answers, over real stores."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from smartbin.core import calendar
from smartbin.facts.events import Collection, Deposit, Item, Judge, LevelReading, Verdict
from smartbin.facts.wire import Rejected
from smartbin.people.tokens import Role
from smartbin.quarantine.store import Quarantine
from tests.api.client import NOON_US, Api

MINUTE_US = 60 * calendar.US_PER_S


def deposits(
    count: int, correct: int, door: str = "kitchen", weight_g: int = 1000
) -> list[Deposit]:
    return [
        Deposit(
            "bin-001",
            door,
            NOON_US - (n + 1) * MINUTE_US,
            weight_g,
            Verdict.CORRECT if n < correct else Verdict.INCORRECT,
            Judge.CAMERA,
            seq=n,
        )
        for n in range(count)
    ]


def heard(days: int = 1) -> list[LevelReading]:
    """A sign of life of bin-001 in each hour until noon of the last of some days."""
    return [
        LevelReading(
            "bin-001", "kitchen", NOON_US - n * calendar.US_PER_HOUR - 1, 5, None, 9000 - n
        )
        for n in range(12 + 24 * (days - 1))
    ]


def test_sorting_counts_judges_and_shares(api: Api) -> None:
    api.writer.append([*deposits(20, 18), *heard(days=2)])
    paper = Deposit("bin-001", "recyclable", NOON_US - 1, 500, item=Item.EXPRESS_PACKAGING, seq=99)
    api.writer.append([paper, Deposit("bin-001", "residual", NOON_US - 2, 9500, seq=98)])
    answer: Any = api.get("communities/oak/sorting?from=2026-11-22&to=2026-11-23")
    total = answer["total"]
    assert (total["deposits"], total["weight_g"]) == (22, 30_000)
    assert (total["judged"], total["correct"]) == (20, 18)
    assert [day["day"] for day in answer["days"]] == ["2026-11-22", "2026-11-23"]
    assert answer["days"][1]["deposits"] == 22
    kitchen = total["by_category"]["kitchen"]
    assert kitchen["share"] == pytest.approx(2 / 3)
    assert list(total["by_category"]) == ["kitchen", "recyclable", "hazardous", "residual"]
    assert total["kitchen_separation"]["value"] == pytest.approx(20_000 / 29_500)
    assert answer["items"] == [{"item": "express_packaging", "deposits": 1, "weight_g": 500}]
    assert answer["focus"]["express_packaging"]["share"]["denominator"] == "recyclable weight_g"
    assert answer["focus"]["goods_packaging"]["deposits"] == 0
    assert (total["insufficient"], total["insufficient_reason"]) == (None, None)


def test_too_little_heard_says_counts_and_no_ratio(api: Api) -> None:
    api.writer.append(deposits(20, 18))
    answer: Any = api.get("communities/oak/sorting?from=2026-11-22&to=2026-11-23")
    for said in (answer["total"], answer["days"][1]):
        assert (said["deposits"], said["correct"]) == (20, 18)
        ratios = ("accuracy", "kitchen_separation", "kitchen_of_all", "diversion")
        assert [said[name] for name in ratios] == [None] * 4
        assert said["by_category"]["kitchen"]["share"] is None
        assert said["by_category"]["kitchen"]["accuracy"] is None
        assert said["insufficient_reason"] == "completeness"
    # One hour of the 36 that had passed was heard.
    sentence = "heard in 2.7 % of the device-hours, at least 50 % are needed"
    assert answer["total"]["insufficient"] == sentence


def test_a_rate_comes_with_its_interval_when_enough_was_heard(api: Api) -> None:
    api.writer.append([*deposits(20, 18), *heard()])
    answer: Any = api.get("communities/oak/sorting?from=2026-11-23&to=2026-11-23")
    accuracy = answer["total"]["accuracy"]
    # Wilson's interval of 18 in 20, by calculator: 0.6990 to 0.9721.
    assert accuracy["value"] == pytest.approx(0.9)
    assert accuracy["low"] == pytest.approx(0.6990, abs=1e-4)
    assert accuracy["high"] == pytest.approx(0.9721, abs=1e-4)
    assert (accuracy["n"], accuracy["denominator"]) == (20, "judged deposits")
    assert answer["total"]["completeness"] == 1.0


def test_every_total_agrees_with_its_days(api: Api) -> None:
    api.writer.append(deposits(30, 11))
    day: Any = api.get("communities/oak/sorting?every=day")
    total: Any = api.get("communities/oak/sorting?every=total")
    assert total["days"] == []
    assert day["total"] == total["total"]
    assert sum(d["weight_g"] for d in day["days"]) == total["total"]["weight_g"]


def test_full_bins_are_what_a_crew_needs(api: Api) -> None:
    def level(door: str, pct: int | None, minutes: int, device: str = "bin-001") -> LevelReading:
        fault = None if pct is not None else "no echo"
        return LevelReading(device, door, NOON_US - minutes * MINUTE_US, pct, fault)

    api.writer.append(
        [
            level("kitchen", 70, 40),
            level("kitchen", 82, 30),
            level("kitchen", 88, 10),
            level("residual", 97, 5),
            level("hazardous", None, 5),
            level("recyclable", 20, 5),
            level("kitchen", 90, 120, "bin-002"),
        ]
    )
    answer: Any = api.get("bins/full")
    rows = {(r["device"], r["door"]): r for r in answer["doors"]}
    first = answer["doors"][0]
    assert (first["door"], first["state"], first["level_pct"]) == ("residual", "overfull", 97)
    kitchen = rows["bin-001", "kitchen"]
    assert (kitchen["state"], kitchen["full_since"]) == ("full", "2026-11-23T11:30:00+08:00")
    assert (kitchen["community"], kitchen["collection_point"]) == ("oak", "point-01")
    assert kitchen["age_s"] == 600
    assert rows["bin-001", "hazardous"]["state"] == "fault"
    assert rows["bin-002", "kitchen"]["state"] == "silent"
    assert rows["bin-002", "kitchen"]["level_pct"] == 90
    assert ("bin-001", "recyclable") not in rows
    only: Any = api.get("bins/full?category=residual&collection_point=point-01")
    assert {r["category"] for r in only["doors"]} == {"residual"}
    low: Any = api.get("bins/full?threshold_pct=15")
    assert ("bin-001", "recyclable") in {(r["device"], r["door"]) for r in low["doors"]}


def test_levels_devices_points_and_site(api: Api) -> None:
    api.writer.append([LevelReading("bin-001", "kitchen", NOON_US - 5, 63, None, 1)])
    levels: Any = api.get("bins/bin-001/levels")
    assert levels["doors"]["kitchen"] == [
        {"at": "2026-11-23T11:59:59.999995+08:00", "level_pct": 63, "fault": None}
    ]
    device: Any = api.get("devices/bin-001")
    assert device["doors"][0]["level"]["level_pct"] == 63
    points: Any = api.get("collection-points")
    assert points["collection_points"][0]["communities"] == ["oak", "elm"]
    site: Any = api.get("site", role=Role.PUBLIC)
    assert (site["communities"], site["bins"], site["collection_points"]) == (2, 2, 1)


def test_collections_are_paged_without_loss(api: Api) -> None:
    made = [
        Collection("bin-001", "kitchen", NOON_US - n * MINUTE_US, 1000 + n, 10) for n in range(25)
    ]
    api.writer.append(made)
    seen: list[int] = []
    cursor = ""
    while True:
        page: Any = api.get(f"devices/bin-001/collections?limit=10{cursor}")
        seen += [row["net_g"] for row in page["collections"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [990 + n for n in range(25)]


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(api: Api) -> None:
    answer = api.client.get("/api/v1/communities?format=csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["橡树社区", "榆树社区"]
    made = Collection("bin-001", "kitchen", NOON_US, 9, 1, "-1+cmd")
    api.writer.append([made])
    table = api.client.get(
        "/api/v1/devices/bin-001/collections?format=csv", headers=api.as_(Role.CREW)
    )
    assert "'-1+cmd" in table.text


def test_quarantine_is_counted_beside_the_figures(api: Api) -> None:
    topic = "smartbin/v1/testsite/bin-001/deposit"
    Quarantine(api.parts.quarantine).add([Rejected(topic, b"{", NOON_US, "bad_json", "", "x")])
    answer: Any = api.get("communities/oak/sorting")
    assert answer["quarantined"] == 1
    assert api.get("communities/elm/sorting")["quarantined"] == 0
    before: Any = api.get("communities/oak/sorting?from=2026-11-01&to=2026-11-22")
    assert before["quarantined"] == 0, "received on another day"


def test_what_has_not_changed_is_not_sent_again(api: Api) -> None:
    first = api.client.get("/api/v1/communities/oak/sorting")
    again = {"If-None-Match": first.headers["ETag"]}
    assert api.client.get("/api/v1/communities/oak/sorting", headers=again).status_code == 304
    api.writer.append(deposits(1, 1))
    assert api.client.get("/api/v1/communities/oak/sorting", headers=again).status_code == 200


def test_an_instant_cut_in_two_loses_and_repeats_nothing(api: Api) -> None:
    at = [NOON_US - 10, NOON_US - 20, NOON_US - 20, NOON_US - 20, NOON_US - 30]
    doors = ["kitchen", "kitchen", "residual", "recyclable", "kitchen"]
    facts = [Deposit("bin-001", door, at_us, 1_000) for at_us, door in zip(at, doors, strict=True)]
    api.writer.append(facts)
    found: list[tuple[str, str]] = []
    query, pages = "limit=2", 0
    while query:
        page: Any = api.get(f"devices/bin-001/deposits?{query}")
        found += [(row["at"], row["door"]) for row in page["deposits"]]
        assert len(page["deposits"]) <= 2
        query = page["next"] and f"limit=2&cursor={page['next']}"
        pages += 1
    assert (len(found), len(set(found)), pages) == (5, 5, 3)


def test_a_board_that_asks_again_is_told_that_nothing_changed(api: Api) -> None:
    api.writer.append([LevelReading("bin-001", "kitchen", NOON_US - MINUTE_US, 88)])
    clock = [NOON_US]
    with TestClient(create_app(replace(api.parts, now_us=lambda: clock[0]))) as client:
        crew = api.as_(Role.CREW)
        first = client.get("/api/v1/bins/full", headers=crew)
        clock[0] += 30 * calendar.US_PER_S
        same = client.get(
            "/api/v1/bins/full", headers={**crew, "If-None-Match": first.headers["ETag"]}
        )
        assert (same.status_code, same.content) == (304, b"")
        api.writer.append([LevelReading("bin-001", "kitchen", NOON_US, 91)])
        again = client.get(
            "/api/v1/bins/full", headers={**crew, "If-None-Match": first.headers["ETag"]}
        )
        assert again.status_code == 200


def test_an_empty_table_has_its_header(api: Api) -> None:
    answer = api.client.get(
        "/api/v1/devices/bin-001/deposits?format=csv", headers=api.as_(Role.CREW)
    )
    header = "at,device,door,weight_g,verdict,judge,item,volume_ml"
    assert answer.text.lstrip("\ufeff").strip() == header


def test_a_volume_is_listed_where_the_box_measured_it(api: Api) -> None:
    at_us = NOON_US - MINUTE_US
    api.writer.append(
        [
            Deposit("bin-001", "kitchen", at_us, 900, volume_ml=1_500),
            Deposit("bin-001", "kitchen", at_us - 1, 900),
        ]
    )
    listed: Any = api.get("devices/bin-001/deposits", Role.CREW)
    assert [row["volume_ml"] for row in listed["deposits"]] == [1_500, None]
    answer = api.client.get(
        "/api/v1/devices/bin-001/deposits?format=csv", headers=api.as_(Role.CREW)
    )
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["volume_ml"] for row in rows] == ["1500", ""]
