from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

from fastapi.testclient import TestClient

from api.app import create_app
from smartbin.core import calendar
from smartbin.facts.events import Deposit, DeviceState, Judge, LevelReading, Status, Verdict
from tests.api.client import NOON_US, Api

HOUR = calendar.US_PER_HOUR


def deposit(device: str, grams: int) -> Deposit:
    return Deposit(device, "kitchen", NOON_US - grams, grams, Verdict.CORRECT, Judge.CAMERA)


def test_the_site_is_its_communities_together(api: Api) -> None:
    api.writer.append([deposit("bin-001", 1_000), deposit("bin-002", 500)])
    found = api.get("site/sorting")
    assert found["community"] == "testsite"
    assert (found["total"]["deposits"], found["total"]["weight_g"]) == (2, 1_500)
    assert found["days"][-1]["by_category"]["kitchen"]["weight_g"] == 1_500


def test_a_community_sees_its_own_bins_only(api: Api) -> None:
    api.writer.append(
        [
            LevelReading("bin-001", "kitchen", NOON_US - 1, 85),
            LevelReading("bin-001", "residual", NOON_US - 1, None, "blocked"),
            LevelReading("bin-001", "hazardous", NOON_US - 2 * HOUR, 97),
            LevelReading("bin-002", "kitchen", NOON_US - 1, 10),
        ]
    )
    (own,) = api.get("communities/oak/bins")["bins"]
    doors = {door["door"]: (door["level_pct"], door["state"]) for door in own["doors"]}
    assert (own["device"], own["state"]) == ("bin-001", "online")
    assert doors == {
        "kitchen": (85, "full"),
        "recyclable": (None, "silent"),
        "hazardous": (97, "silent"),
        "residual": (None, "fault"),
    }


def test_a_silent_and_an_offline_bin_are_told_apart(api: Api) -> None:
    api.writer.append([Status("bin-002", NOON_US - 1, DeviceState.OFFLINE)])
    states = {
        place: api.get(f"communities/{place}/bins")["bins"][0]["state"] for place in ("oak", "elm")
    }
    assert states == {"oak": "silent", "elm": "offline"}


def test_screens_are_served_and_nothing_else(api: Api, tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (tmp_path / "secret.js").write_text("secret")
    (static / "secret.txt").write_text("secret")
    app = create_app(replace(api.parts, static=static))
    client = TestClient(app, raise_server_exceptions=False)
    unbuilt = client.get("/board/oak")
    assert unbuilt.status_code == 503
    assert "make web" in unbuilt.json()["detail"]

    (static / "index.html").write_text("<p>page</p>")
    (static / "assets" / "a-1.js").write_text("let a;")
    (static / "sw.js").write_text("let s;")
    for path in ("/", "/board", "/board/oak", "/crew", "/me", "/office", "/sign-in"):
        assert client.get(path).text == "<p>page</p>", path
    script = client.get("/assets/a-1.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in script.headers["Cache-Control"]
    assert client.get("/sw.js").headers["Cache-Control"] == "no-cache"
    lost = client.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (lost.status_code, lost.text) == (404, "<p>page</p>")
    assert client.get("/api/v1/no", headers={"Accept": "text/html"}).json()["status"] == 404
    for path in (
        "/assets/..%2f..%2fsecret.js",
        "/assets/..%5c..%5csecret.js",
        "/assets/%2e%2e",
        "/icons/..%2fsw.js",
        "/secret.txt",
        "/api/v1/nothing",
        "/assets/b.js",
    ):
        assert client.get(path).status_code == 404, path


def test_a_packed_copy_is_sent_to_who_can_unpack_it(api: Api, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.css").write_text("p{}")
    (tmp_path / "assets" / "a.css.gz").write_bytes(gzip.compress(b"p{color:red}"))
    client = TestClient(create_app(replace(api.parts, static=tmp_path)))
    assert client.get("/assets/a.css").text == "p{color:red}"
    plain = client.get("/assets/a.css", headers={"Accept-Encoding": "identity"})
    assert plain.text == "p{}"
