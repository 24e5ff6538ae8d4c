"""A past day that late data or a verdict re-opens says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError

from api.app import create_app
from api.parts import Parts
from smartbin.core import calendar
from smartbin.facts.events import Deposit, Judge, Verdict
from smartbin.settings import SiteSettings
from smartbin.sorting import publish as publishing_rules
from smartbin.sorting.tables import figure_revision
from smartbin.verdicts.store import HumanVerdicts
from tests.api.client import NOON_US, TODAY, Api
from tests.places.small import SHANGHAI
from tests.real import ROOT, until
from tests.sorting.test_http_statistics import a_day

YESTERDAY = TODAY - timedelta(days=1)
START_US = calendar.start_us(YESTERDAY, SHANGHAI)


def publish(parts: Parts, back_days: int = publishing_rules.BACK_DAYS) -> int:
    now_us = parts.now_us()
    return publishing_rules.publish(parts.registry, parts.reader, parts.database, now_us, back_days)


def test_late_data_and_verdicts_make_revisions(api: Api) -> None:
    api.writer.append(a_day("bin-001", YESTERDAY, 30, 20))
    assert publish(api.parts) == 2 * 35
    assert publish(api.parts) == 0, "nothing changed"
    address = "communities/oak/revisions?from=2026-11-22&to=2026-11-23"
    (first,) = api.get(address)["revisions"]
    assert (first["day"], first["revision"], first["changed"]) == ("2026-11-22", 1, {})
    assert first["figures"]["kitchen"] == {
        "deposits": 30, "weight_g": 30_000, "judged": 30, "correct": 20
    }  # fmt: skip
    late = Deposit("bin-001", "residual", START_US + 7, 700, seq=7_000)
    api.writer.append([late])
    later = replace(api.parts, now_us=lambda: NOON_US + 5)
    assert publish(later) == 1
    judged = HumanVerdicts(api.parts.database, SHANGHAI)
    judged.add(late, Verdict.CORRECT, Judge.INSPECTOR, "li", "seen", NOON_US)
    assert publish(replace(api.parts, now_us=lambda: NOON_US + 9)) == 1
    answer: Any = api.get(address)
    told = [(row["revision"], row["changed"]) for row in answer["revisions"]]
    assert told == [
        (3, {"residual": {"judged": 1, "correct": 1}}),
        (2, {"residual": {"deposits": 1, "weight_g": 700}}),
        (1, {}),
    ]
    days = "from=2026-11-22&to=2026-11-22"
    assert api.get(f"communities/oak/sorting?{days}")["revision"] == 3
    assert api.get(f"site/sorting?{days}")["revision"] == 3
    assert api.get(f"communities/elm/sorting?{days}")["revision"] == 1
    assert api.get("communities/oak/sorting?from=2026-11-23&to=2026-11-23")["revision"] is None
    first_page = api.get(f"{address}&limit=2")
    assert len(first_page["revisions"]) == 2
    rest = api.get(f"{address}&limit=2&cursor={first_page['next']}")
    assert first_page["revisions"] + rest["revisions"] == answer["revisions"]
    assert rest["next"] is None
    table = api.client.get(f"/api/v1/{address}&format=csv").text.splitlines()
    assert len(table) == 1 + 3 * 4
    assert api.client.get("/api/v1/communities/nowhere/revisions").status_code == 404


def test_what_was_published_cannot_be_unsaid(api: Api) -> None:
    publish(api.parts)
    with pytest.raises(DBAPIError, match="append-only"), api.parts.database.engine.begin() as db:
        db.execute(delete(figure_revision))


def test_an_old_day_without_deposits_is_not_worth_a_row(api: Api) -> None:
    publish(api.parts)
    assert api.get("communities/oak/revisions?from=2026-01-01&to=2026-10-01")["revisions"] == []
    api.writer.append(a_day("bin-001", TODAY - timedelta(days=300), 3, 2))
    assert publish(api.parts) == 1


def test_the_apis_thread_publishes_by_itself(api: Api) -> None:
    settings = SiteSettings(site=ROOT / "deploy/xinbei", settle_every_s=0, publish_every_s=0.01)
    with TestClient(create_app(api.parts, settings)):
        until(lambda: bool(api.get("communities/oak/revisions")["revisions"]), "published")
