"""Of every table that the API gives as CSV, no cell runs in a spreadsheet; and what is sent in a
query is compared with, never run.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from smartbin.accounts.store import Accounts
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    Judge,
    LevelReading,
    Verdict,
)
from smartbin.facts.wire import Rejected
from smartbin.people.principals import Role
from smartbin.points.adjustments import Adjustments
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.points.redemptions import Redemptions
from smartbin.quarantine.store import Quarantine
from smartbin.verdicts.store import HumanVerdicts
from tests.api.client import NOON_US, PAGE, Api, opened
from tests.places.small import SHANGHAI, small_registry
from tests.real import ROOT

FORMULA = "=HYPERLINK(1)"
HOME = "11111111"
PLACES = {"device": "bin-001", "community": "oak", "account": HOME}
OPERATIONS = {
    path: operation["get"].get("parameters", [])
    for path, operation in json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))[
        "paths"
    ].items()
    if "get" in operation and path.startswith("/api/v1/")
}
TABLES = [p for p, asked in OPERATIONS.items() if any(one["name"] == "format" for one in asked)]
RUNS = tuple("=+-@\t\r\n＝＋－＠")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
SHOWN = {
    "/api/v1/accounts/{account}/entries", "/api/v1/alarms", "/api/v1/bins/full",
    "/api/v1/communities", "/api/v1/communities/ranking", "/api/v1/devices",
    "/api/v1/devices/{device}/verdicts", "/api/v1/quarantine", "/api/v1/rewards",
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An admin's client of a site of hostile names, with something hostile in every store."""
    with opened(tmp_path_factory.mktemp("api")) as api:
        fill(api)
        named = small_registry(called=lambda name: FORMULA + name)
        object.__setattr__(api.parts, "registry", named)
        headers = {**PAGE, **api.as_(Role.ADMIN)}
        with TestClient(create_app(api.parts), headers=headers) as client:
            yield client


def fill(api: Api) -> None:
    deposits = [
        Deposit(
            *("bin-001", "kitchen", NOON_US - n * 60_000_000, 1_200),
            *(Verdict.CORRECT, Judge.CAMERA),
            account=FORMULA,
        )
        for n in range(40)
    ]
    api.writer.append(
        [
            *deposits,
            LevelReading("bin-001", "kitchen", NOON_US - 1, 97, None, 1),
            LevelReading("bin-001", "residual", NOON_US - 1, None, FORMULA, 2),
            Alarm("bin-001", "kitchen", NOON_US - 1, AlarmType.JAM, True),
            Collection("bin-001", "kitchen", NOON_US - 9_000_000, 9_000, 1_000, FORMULA, 3),
        ]
    )
    quarantine = Quarantine(api.parts.quarantine)
    quarantine.add([Rejected(FORMULA, FORMULA.encode(), NOON_US, "bad_json", FORMULA, FORMULA)])
    table = api.parts.quarantine.parent / "accounts.csv"
    header = "card,kind,community,from,to,account"
    table.write_text(f"{header}\nH1,household,oak,2025-01-01,,{HOME}\n", encoding="utf-8")
    database = api.parts.database
    Accounts(database).load(table, api.parts.registry.communities, NOON_US)
    redemptions = Redemptions(database, SHANGHAI)
    RewardCatalogue(database).put(Reward("soap", FORMULA, FORMULA, 1, 6))
    Adjustments(database, SHANGHAI).add(HOME, "a" * 8, 5, FORMULA, FORMULA, NOON_US)
    redemptions.redeem(HOME, "b" * 8, "soap", 1, FORMULA, NOON_US)
    judge = HumanVerdicts(database, SHANGHAI)
    judge.add(deposits[0], Verdict.INCORRECT, Judge.INSPECTOR, FORMULA, FORMULA, NOON_US)


@pytest.mark.parametrize("path", TABLES)
def test_no_cell_runs(hostile: TestClient, path: str) -> None:
    where = path.replace("collection-points/{device}", "collection-points/point-01")
    answer = hostile.get(where.format(**PLACES), params={"format": "csv"})
    assert answer.status_code == 200, answer.text
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    cells = [cell for row in rows[1:] for cell in row]
    for cell in cells:
        assert NUMBER.fullmatch(cell) or not cell.startswith(RUNS), cell
    assert (path not in SHOWN) or any(cell.startswith(f"'{FORMULA}") for cell in cells)


WORDS = ["x' OR '1'='1", "'; DROP TABLE account; --", '"', "%", "_", "\\", "%00", "x\\' OR 1=1 --"]


@pytest.mark.parametrize("word", WORDS)
def test_what_is_asked_for_is_compared_and_never_run(hostile: TestClient, word: str) -> None:
    def asked(path: str, **query: str) -> Any:
        found = hostile.get(f"/api/v1/{path}", params=query)
        assert found.status_code == 200, found.text
        return found.json()

    assert asked("accounts", q=word)["accounts"] == []
    assert asked("accounts", card=word)["accounts"] == []
    assert asked("quarantine", device=word)["messages"] == []
    assert asked("quarantine", reason=word)["messages"] == []
    assert asked("signals", account=word)["signals"] == []
    assert len(asked("accounts")["accounts"]) == 1


@pytest.mark.parametrize("word", WORDS)
def test_no_word_in_an_address_finds_what_it_does_not_name(hostile: TestClient, word: str) -> None:
    for path in OPERATIONS:
        for name in PLACES:
            if f"{{{name}}}" in path:
                answer = hostile.get(path.format(**{**PLACES, name: word}))
                assert answer.status_code in (404, 422), f"{path}: {answer.text}"
