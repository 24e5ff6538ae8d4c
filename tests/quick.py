"""``pytest --quick``: the tests of rules, stores on SQLite and endpoints, without other processes.

A new test is quick by itself. It is left out by a marker, or by lying in a folder of whole systems
or campaigns. A quick test that starts a process or listens on a port fails.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import profiles
from hypothesis import settings

from smartbin.people import passwords

HERE = Path(__file__).parent
MARKERS = ("browser", "compose", "process", "real", "thorough")
FOLDERS = ("broker", "compose", "e2e", "faults", "fuzz", "simulation", "web")
_STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec")
_EXAMPLES = 20
PRODUCTS = passwords.PARAMETERS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="no process, no server: an answer within a minute"
    )


def pytest_configure(config: pytest.Config) -> None:
    # A hash of the product takes 64 MiB and tens of milliseconds, and the tests make thousands.
    # Programs that are started, and tests/people/test_passwords.py, hash as the product does.
    passwords.PARAMETERS = replace(profiles.CHEAPEST, time_cost=2)
    if config.getoption("quick"):
        # `make test` tries the usual number.
        settings.register_profile("quick", deadline=None, max_examples=_EXAMPLES)
        settings.load_profile("quick")
        config.pluginmanager.register(_Guard(), "quick-guard")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("quick"):
        return
    quick: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        marked = any(item.get_closest_marker(name) for name in MARKERS)
        (left_out if marked else quick).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = quick


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Not even imported: a third of the time would be that."""
    if not config.getoption("quick") or collection_path.parent != HERE:
        return None
    return collection_path.name in FOLDERS or None


class _Guard:
    """Refuses what a quick test may not do, and fails the test even if it swallows the refusal."""

    def __init__(self) -> None:
        self._watching = False
        self._done: list[str] = []
        sys.addaudithook(self._heard)  # for good: an audit hook cannot be taken back

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event in _STARTS:
            self._refuse(f"{event} {args[0] if args else ''}")
        elif event == "socket.bind" and isinstance(args[1], tuple):
            self._refuse(f"listens on {args[1][0]}:{args[1][1]}")

    def _refuse(self, what: str) -> None:
        self._done.append(what)
        raise RuntimeError(f"a quick test starts nothing: {what}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        self._done.clear()
        self._watching = True
        try:
            return (yield)
        finally:
            self._watching = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        report = yield
        if self._done and report.when == "teardown" and report.passed:
            report.outcome = "failed"
            report.longrepr = f"{self._done[0]}: mark the test `process`, or do without"
        return report
