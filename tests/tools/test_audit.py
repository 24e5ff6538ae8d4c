"""The audit of dependencies says what it knows and, above all, what it could not ask."""

from __future__ import annotations

import json

import pytest

from tools.audit import Answer, of_npm, of_pip, verdict

GOOD = {"name": "idna", "version": "3.10", "vulns": []}
UNASKED = {"name": "tzdata", "skip_reason": "Dependency not found on PyPI and could not be audited"}
BAD = {
    "name": "ujson",
    "version": "5.0.0",
    "vulns": [{"id": "PYSEC-2022-25", "fix_versions": ["5.2.0"], "aliases": []}],
}


def pip(*dependencies: object) -> Answer:
    return of_pip(json.dumps({"dependencies": dependencies, "fixes": []}))


def test_what_is_vulnerable_fails_with_its_remedy() -> None:
    said, well = verdict("lock", pip(GOOD, UNASKED, BAD), required=False)
    assert (well, said) == (False, "lock: ujson 5.0.0: PYSEC-2022-25; take 5.2.0")
    report = {
        "metadata": {"dependencies": {"total": 9}},
        "vulnerabilities": {"lodash": {"range": "<4.17.21", "severity": "high"}},
    }
    assert verdict("lock", of_npm(json.dumps(report)), required=False)[1] is False


@pytest.mark.parametrize(
    "answer",
    [pip(UNASKED), pip(GOOD, UNASKED), of_pip(""), of_npm(""), of_npm('{"statusCode": 405}')],
)
def test_what_could_not_be_asked_is_said_and_fails_only_where_it_must(answer: Answer) -> None:
    said, well = verdict("lock", answer, required=False)
    assert well
    assert "NOT AUDITED" in said
    assert verdict("lock", answer, required=True)[1] is False


def test_what_was_asked_and_is_well() -> None:
    assert verdict("lock", pip(GOOD), required=True) == (
        "lock: no known vulnerability in 1 packages",
        True,
    )
    npm = of_npm('{"metadata": {"dependencies": {"total": 300}}, "vulnerabilities": {}}')
    assert verdict("lock", npm, required=True)[1]
