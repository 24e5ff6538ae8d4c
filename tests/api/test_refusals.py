"""What the API refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import BODY_BYTES_MAX, create_app
from smartbin.database import Database
from smartbin.people.tokens import Role
from smartbin.telemetry import open_reader
from tests.api.client import Api
from tests.places.small import SHANGHAI


@pytest.mark.parametrize(
    ("path", "status", "parameter", "said"),
    [
        ("communities/oka", 404, "community", "did you mean oak?"),
        ("communities/oak/sorting?from=yesterday", 422, "from", "write it as 2026-11-23"),
        ("communities/oak/sorting?from=2026-11-20&to=2026-11-01", 422, "from", "swap them"),
        ("communities/oak/sorting?from=2020-01-01", 422, "from", "at most 400"),
        ("communities/oak/sorting?every=hour", 422, "every", "choose one of them"),
        ("communities/ranking?by=beauty", 422, "by", "choose one of them"),
        ("bins/full?threshold_pct=900", 422, "threshold_pct", "within the bounds"),
        ("bins/full?collection_point=bin-001", 422, "collection_point", "is a bin"),
        ("bins/bin-01/levels", 404, "device", "did you mean bin-001"),
        ("devices/bin-001/deposits?cursor=WzEsMl0", 422, "cursor", "leave it out"),
        ("devices/bin-001/deposits?limit=0", 422, "limit", "within the bounds"),
        ("bins/full?categroy=kitchen", 422, "categroy", "did you mean category?"),
        ("communities/ranking?until=2026-11-01", 422, "until", "it takes by, "),
    ],
)
def test_bad_input_names_the_parameter_and_the_remedy(
    api: Api, path: str, status: int, parameter: str, said: str
) -> None:
    answer = api.client.get(f"/api/v1/{path}", headers=api.as_(Role.CREW))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["parameter"] == parameter
    assert said in body["detail"]
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()


@pytest.mark.parametrize("control", ["\0", "\x1b", "\x7f", "\x85", "\x9b"])
def test_no_text_carries_what_drives_a_terminal(api: Api, control: str) -> None:
    one_line = {"name": f"li{control}[2Jwei", "password": "four quiet lorries"}
    answer = api.client.post("/api/v1/session", json=one_line)
    assert (answer.status_code, answer.json()["parameter"]) == (422, "name"), answer.text
    verdict = {"id": "a" * 8, "door": "kitchen", "at": "2026-11-23T08:00:00Z"}
    lines = {**verdict, "verdict": "correct", "why": f"seen\n{control}[2J"}
    headers = api.as_(Role.OFFICE)
    answer = api.client.post("/api/v1/devices/bin-001/verdicts", json=lines, headers=headers)
    assert (answer.status_code, answer.json()["parameter"]) == (422, "why"), answer.text


def test_unknown_addresses_and_methods_are_problems_too(api: Api) -> None:
    assert api.client.get("/api/v1/nothing").json()["status"] == 404
    assert api.client.post("/api/v1/site").json()["status"] == 405


@pytest.mark.parametrize("declared", [True, False])
def test_too_large_a_body_is_a_problem_too(api: Api, declared: bool) -> None:
    large = b"x" * (BODY_BYTES_MAX + 1)
    body = large if declared else iter([large])
    answer = api.client.post("/api/v1/session", content=body)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "too large" in answer.json()["detail"]


def test_readyz_looks_at_records_too(api: Api, tmp_path: Path) -> None:
    assert api.client.get("/readyz").status_code == 200
    (tmp_path / "folder.db").mkdir()
    away = Database.open(f"sqlite:///{tmp_path}/folder.db")
    with TestClient(create_app(replace(api.parts, database=away))) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "SMARTBIN_RECORDS_URL" in answer.text


def test_a_store_that_is_away_is_503_and_readyz_says_why(api: Api, tmp_path: Path) -> None:
    away = open_reader(f"sqlite:///{tmp_path}/not-there.db", SHANGHAI)
    with TestClient(create_app(replace(api.parts, reader=away))) as client:
        answer = client.get("/api/v1/communities/oak/sorting")
        assert (answer.status_code, answer.json()["status"]) == (503, 503)
        assert answer.headers["Retry-After"] == "5"
        ready = client.get("/readyz")
        assert (ready.status_code, "start the gateway" in ready.text) == (503, True)
        assert client.get("/healthz").status_code == 200


def test_a_body_beyond_the_bound_is_refused(api: Api) -> None:
    def chunks() -> Iterator[bytes]:  # without a Content-Length
        yield from [b" " * 16_384] * 5

    for body in (b" " * 80_000, chunks()):
        answer = api.client.post(
            "/api/v1/session", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413, answer.text


def test_an_unforeseen_fault_is_a_problem_that_says_nothing_and_is_counted(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("a secret of ours")

    with TestClient(
        create_app(replace(api.parts, reader=Broken())),  # type: ignore[arg-type] # a fault on purpose
        raise_server_exceptions=False,
    ) as client:
        answer = client.get("/api/v1/communities/oak/bins")
        shown = client.get("/metrics").text
    assert (answer.status_code, answer.json()["status"]) == (500, 500)
    assert "secret" not in answer.text
    assert "a secret of ours" in caplog.text
    assert 'smartbin_api_requests_total{code="500"} 1.0' in shown


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("devices/bin-001/deposits?from=1764000000", "from"),
        ("devices/bin-001/deposits?before=1764000000", "before"),
        ("devices/bin-001/deposits?cursor=%00", "cursor"),
        ("devices/bin-001/deposits?to=0001-01-05", "to"),
        ("redemptions?cursor=99999999999999999999", "cursor"),
        ("bins/full?collection_point=", "collection_point"),
        ("bins/full?collection_point=point-1", "collection_point"),
    ],
)
def test_what_once_was_taken_or_failed_names_its_parameter(
    api: Api, path: str, parameter: str
) -> None:
    answer = api.client.get(f"/api/v1/{path}", headers=api.as_(Role.OFFICE))
    assert answer.status_code in (404, 422), answer.text
    assert answer.json()["parameter"] == parameter


def test_allow_names_every_method_of_an_address(api: Api) -> None:
    answer = api.client.put("/api/v1/session")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST", "DELETE"}


def test_security_headers_are_on_every_answer(api: Api) -> None:
    for path in ("/api/v1/site", "/api/v1/nothing", "/healthz"):
        headers = api.client.get(path).headers
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Strict-Transport-Security" not in headers
        over_tls = TestClient(api.client.app, base_url="https://testserver").get(path).headers
        assert over_tls["Strict-Transport-Security"] == "max-age=31536000"
