"""The ledger over HTTP, for whoever checks the books: entries, and closed months as files."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from smartbin.people.principals import Role
from smartbin.points import months
from tests.api.client import ACCOUNT, NOON_US, Api
from tests.places.small import SHANGHAI
from tests.points.books import Books, kitchen

OCTOBER = date(2026, 10, 14)
TABLE = f"card,kind,community,from,to,account\nH1,household,oak,2025-01-01,,{ACCOUNT}\n"


@pytest.fixture
def books(api: Api, tmp_path: Path) -> Books:
    """A day of October that was settled, and October closed."""
    kept = Books(api.parts.database, tmp_path)
    kept.load(TABLE)
    kept.keep(kitchen(0, day=OCTOBER))
    kept.settle(NOON_US)
    months.close(api.parts.database, 202610, tmp_path / "months", NOON_US, SHANGHAI)
    return kept


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline="")))


def pages(api: Api, path: str, name: str, role: Role = Role.OFFICE) -> list[Any]:
    """Every row of a paged address, one a page."""
    found: list[Any] = []
    page = api.get(f"{path}limit=1", role)
    while True:
        found += page[name]
        if page["next"] is None or not page[name]:
            return found
        page = api.get(f"{path}limit=1&cursor={page['next']}", role)


def test_what_comes_late_for_a_closed_month_is_an_entry_of_the_open_one(
    api: Api, books: Books
) -> None:
    books.keep(kitchen(2, day=OCTOBER))
    books.settle(NOON_US)
    path = f"accounts/{ACCOUNT}/entries"
    found = api.get(path, Role.RESIDENT)["entries"]
    late, first = found
    assert (late["kind"], late["points"], late["day"]) == ("correction", 25, "2026-10-14")
    assert (late["month"], late["reference"], late["reason"]) == ("2026-11", "2026-10", "late")
    assert (first["kind"], first["month"], first["reference"]) == ("earned", "2026-10", None)
    assert sum(entry["points"] for entry in found) == books.balance(ACCOUNT) == 50
    assert pages(api, f"{path}?", "entries") == found
    table = api.client.get(f"/api/v1/{path}?format=csv", headers=api.as_(Role.OFFICE)).text
    assert [row["reference"] for row in rows_of(table)] == ["2026-10", ""]


def test_a_closed_months_file_can_be_checked_against_the_digest_of_its_closing(
    api: Api, books: Books
) -> None:
    books.keep(kitchen(2, day=OCTOBER))
    books.settle(NOON_US)
    [month] = api.get("months", Role.OFFICE)["months"]
    made = (books.folder / "months" / "points-2026-10.csv").read_bytes()
    assert month["sha256"] == hashlib.sha256(made).hexdigest()
    assert (month["month"], month["entries"], month["points"]) == ("2026-10", 1, 25)
    answer = api.client.get("/api/v1/months/2026-10", headers=api.as_(Role.OFFICE))
    assert answer.content == made
    digest = base64.b64encode(hashlib.sha256(made).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert 'filename="points-2026-10.csv"' in answer.headers["Content-Disposition"]
    table = api.client.get("/api/v1/months?format=csv", headers=api.as_(Role.OFFICE)).text
    assert [row["month"] for row in rows_of(table)] == ["2026-10"]


def test_what_is_no_closed_month_is_said(api: Api, books: Books) -> None:
    for month, status in (("2026-11", 404), ("2026-09", 404), ("october", 422)):
        answer = api.client.get(f"/api/v1/months/{month}", headers=api.as_(Role.OFFICE))
        assert (answer.status_code, answer.json()["parameter"]) == (status, "month")
    for role in (Role.CREW, Role.COMMUNITY, Role.RESIDENT):
        assert api.client.get("/api/v1/months", headers=api.as_(role)).status_code == 403


def test_redemptions_and_rewards_come_in_pages_and_as_tables(api: Api, books: Books) -> None:
    for n, name in enumerate(("soap", "tissues")):
        reward = {"id": name, "name": name, "name_en": name, "price": 5 + n, "stock": 9}
        api.client.post("/api/v1/rewards", json=reward, headers=api.as_(Role.OFFICE))
    path = f"accounts/{ACCOUNT}/redemptions"
    for n in range(3):
        wish = {"request_id": f"wish-000{n}", "reward": "soap"}
        answer = api.client.post(f"/api/v1/{path}", json=wish, headers=api.as_(Role.OFFICE))
        assert answer.status_code == 201
    numbers = [row["id"] for row in api.get(path, Role.RESIDENT)["redemptions"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 3
    assert [r["id"] for r in pages(api, f"{path}?", "redemptions")] == numbers
    assert [r["id"] for r in pages(api, "redemptions?", "redemptions")] == numbers
    for address in (path, "redemptions"):
        table = api.client.get(f"/api/v1/{address}?format=csv", headers=api.as_(Role.OFFICE)).text
        assert [int(row["id"]) for row in rows_of(table)] == numbers
    rewards = [r["id"] for r in pages(api, "rewards?", "rewards", Role.PUBLIC)]
    assert rewards == ["soap", "tissues"]
    unknown = api.client.get("/api/v1/accounts/no/redemptions", headers=api.as_(Role.OFFICE))
    assert unknown.status_code == 404
