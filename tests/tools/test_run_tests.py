"""``make test ARGS=...`` ends as the tests that it chose end, whichever these are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.real import ROOT
from tools.run_tests import NOTHING_CHOSEN, runs, status_of

pytestmark = pytest.mark.process
ONE = "tests/core/test_printable.py"


def made(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.run_tests", "-n", "0", "-p", "no:cacheprovider"]
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    "arguments",
    [[ONE], [f"{ONE}::test_a_log_line_stays_one"], [ONE, "-k", "line"], [ONE, "-m", "not real"]],
    ids=["a path", "a test", "-k", "-m"],
)
def test_what_is_chosen_passes(arguments: list[str]) -> None:
    done = made(*arguments)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_name_alone_is_looked_for_in_both_runs() -> None:
    done = made("-k", "test_a_log_line_stays_one")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_nothing_chosen_is_said() -> None:
    assert made(ONE, "-k", "no_such_test").returncode == NOTHING_CHOSEN


@pytest.mark.parametrize(
    ("statuses", "status", "ran"),
    [
        ([0, 0], 0, 2),
        ([0, NOTHING_CHOSEN], 0, 2),
        ([NOTHING_CHOSEN, 0], 0, 2),
        ([NOTHING_CHOSEN, NOTHING_CHOSEN], NOTHING_CHOSEN, 2),
        ([1, 0], 1, 1),
        ([0, 1], 1, 2),
        ([NOTHING_CHOSEN, 1], 1, 2),
    ],
)
def test_a_failure_of_either_run_fails(statuses: list[int], status: int, ran: int) -> None:
    answers = iter(statuses)
    assert status_of([["first"], ["second"]], lambda _: next(answers)) == status
    assert len(list(answers)) == len(statuses) - ran


def test_the_containers_tests_run_one_by_one_after_the_others() -> None:
    first, second = runs(["-n", "8", "-m", "real"])
    assert first[-2:] == ["-m", "not compose and (real)"]
    assert second[-5:] == ["tests/compose", "-n", "0", "-m", "compose and (real)"]
