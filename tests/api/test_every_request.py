"""Every request that the OpenAPI document allows, and many that it does not: schemathesis asks a
real server, and each answer must be one that the document tells of.

A short form of it runs with every test; SMARTBIN_TEST_REQUESTS=all (make soak) asks under every
role, with every phase and more examples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from smartbin.accounts.store import Accounts
from smartbin.facts.events import Collection, Deposit, LevelReading, Verdict
from smartbin.people.principals import Role
from tests.api.client import NOON_US, PAGE, opened
from tests.api.serving import served
from tests.real import ROOT

pytestmark = pytest.mark.process

ALL = os.environ.get("SMARTBIN_TEST_REQUESTS") == "all"
ROLES = list(Role) if ALL else [Role.PUBLIC, Role.ADMIN]
CONFIG = {
    "phases": {"coverage": {"enabled": ALL}},
    "generation": {"max-examples": 40 if ALL else 4, "database": "none", "deterministic": not ALL},
    "request-timeout": 30.0,
}
# What no JSON Schema can say: a cursor of another list, two days that bound each other and lie
# around today, a role and its community, a name that somebody has or of characters that Unicode has
# not, a JPEG.
BEYOND_SCHEMAS = {
    "from": ("swap them", "at a time", "is not a day from"),
    "to": ("is not a day from",),
    "day": ("is not a day from",),
    "cursor": ("leave it out",),
    "body": ("is not a JPEG", "field required"),
    "role": ("is nobody's to give",),
    "community": ("say which community", "leave it out"),
    "name": ("exists", "printable characters"),
    "password": ("too easy to guess",),
}
# The document is the code's own (tests/test_repo.py); the live stream never ends.
schema = schemathesis.openapi.from_path(
    ROOT / "docs/openapi.json", config=SchemathesisConfig.from_dict(CONFIG)
).exclude(path="/api/v1/live")


@pytest.fixture(scope="module", params=ROLES)
def server(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a server with something in it, and what one role sends along."""
    folder = tmp_path_factory.mktemp("api")
    with opened(folder) as api:
        api.writer.append(
            [
                Deposit("bin-001", "kitchen", NOON_US - 60_000_000, 1_200, Verdict.CORRECT, seq=1),
                Collection("bin-001", "kitchen", NOON_US - 50_000_000, 9_000, 1_000, seq=2),
                LevelReading("bin-001", "kitchen", NOON_US - 40_000_000, 97, None, 3),
            ]
        )
        table = folder / "accounts.csv"
        header = "card,kind,community,from,to,account"
        table.write_text(f"{header}\nK1,household,oak,2025-01-01,,12345677\n", encoding="utf-8")
        Accounts(api.parts.database).load(table, api.parts.registry.communities, NOON_US)
        with served(api.parts) as base:
            yield base, {**PAGE, **api.as_(request.param)}


@schema.parametrize()
def test_every_answer_is_one_that_the_document_tells_of(
    case: Any, server: tuple[str, dict[str, str]]
) -> None:
    base, headers = server
    response = case.call(base_url=base, headers=headers)
    case.validate_response(response, excluded_checks=excused(response), headers=headers)


def excused(response: Any) -> list[Any]:
    """Checks that would blame a rule that is beyond schemas."""
    if response.status_code != 422:
        return []
    problem = response.json()
    sentences = BEYOND_SCHEMAS.get(problem.get("parameter"), ())
    known = any(said in problem["detail"] for said in sentences)
    return [positive_data_acceptance] if known else []
