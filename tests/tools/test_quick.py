"""``make quick`` runs every test that nothing keeps out, and fails one that starts something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.real import ROOT

pytestmark = pytest.mark.process

TESTS = """
import contextlib, os, socket, subprocess, pytest

def test_pure(): pass
def test_a_pair_of_sockets(): [one.close() for one in socket.socketpair()]
def test_starts(): subprocess.run(["true"])
def test_starts_and_hides_it():
    with contextlib.suppress(Exception): subprocess.run(["true"])
def test_forks(): os.fork()
def test_listens():
    with socket.socket() as one: one.bind(("127.0.0.1", 0))
@pytest.mark.process
def test_may(): subprocess.run(["true"], check=True)
"""
INI = "[pytest]\nmarkers = process\n"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "test_some.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(INI, encoding="utf-8")
    return tmp_path


def run(suite: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "tests.quick", "-p", "no:cacheprovider"]
    command += ["-c", str(suite / "pytest.ini"), "-rA", "-q", *options, str(suite)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ["starts", "starts_and_hides_it", "forks", "listens"])
def test_a_quick_test_that_starts_something_fails(suite: Path, name: str) -> None:
    said = run(suite, "--quick", "-k", f"test_{name} and not may")
    assert f"::test_{name}" in said
    assert "a quick test starts nothing" in said or "mark the test `process`" in said
    assert "error" in said.splitlines()[-1] or "failed" in said.splitlines()[-1]


def test_what_is_marked_is_left_out_and_the_rest_passes(suite: Path) -> None:
    said = run(suite, "--quick", "-k", "pure or pair or may")
    assert said.splitlines()[-1].startswith("2 passed, 5 deselected")


def test_without_the_option_all_may(suite: Path) -> None:
    assert run(suite, "-k", "may or test_starts").splitlines()[-1].startswith("3 passed")
