"""Real programs over one database: every job runs in exactly one, and another one takes over when
that one is killed; on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartbin.database import Database
from smartbin.jobs.leases import LEASE_S
from smartbin.jobs.runner import HEARTBEAT_S
from tests.broker.process import SITE
from tests.real import ROOT, free_port, until

pytestmark = pytest.mark.real
JOBS = ("settling", "publishing", "trimming")
TAKEN_OVER_S = LEASE_S + HEARTBEAT_S
SLOW = 3  # a machine three times slower


class Running:
    """``smartbin api`` or ``smartbin jobs``, and what its metrics say."""

    def __init__(self, verb: str, folder: Path, database: Database, **settings: str) -> None:
        self.port = free_port()
        http = {"api": "API_HTTP", "jobs": "JOBS_HTTP"}[verb]
        url = database.url.render_as_string(hide_password=False)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SMARTBIN_SITE": str(SITE),
            "SMARTBIN_RECORDS_URL": url,
            "SMARTBIN_TELEMETRY_URL": f"sqlite:///{folder}/telemetry.db",
            "SMARTBIN_QUARANTINE": str(folder / "quarantine"),
            f"SMARTBIN_{http}": f"127.0.0.1:{self.port}",
            **{f"SMARTBIN_{name}": value for name, value in settings.items()},
        }
        with (folder / f"{verb}-{self.port}.log").open("ab") as log:
            command = [sys.executable, "-m", "smartbin", verb]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def metrics(self) -> str:
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        return ""

    def runs(self) -> set[str]:
        text = self.metrics()
        return {job for job in JOBS if f'smartbin_job_runs{{name="{job}"}} 1.0' in text}


@contextlib.contextmanager
def ended(*programs: Running) -> Iterator[None]:
    try:
        yield
    finally:
        for one in programs:
            if one.process.poll() is None:
                one.end(signal.SIGKILL)


def test_every_job_runs_once_and_is_taken_over(database: Database, tmp_path: Path) -> None:
    first = Running("api", tmp_path, database)
    with ended(first):
        until(lambda: first.runs() == set(JOBS), "the first has the jobs", 60 * SLOW)
        second = Running("api", tmp_path, database)
        with ended(second):
            until(lambda: bool(second.metrics()), "the second is there", 60 * SLOW)
            until(lambda: "settled_at_seconds" not in second.metrics(), "and waits", 30)
            assert (first.runs(), second.runs()) == (set(JOBS), set())
            first.end(signal.SIGKILL)
            killed_s = time.monotonic()
            until(lambda: second.runs() == set(JOBS), "the second takes over", 60 * SLOW)
            assert time.monotonic() - killed_s < TAKEN_OVER_S * SLOW
            assert time.monotonic() - killed_s > LEASE_S - 2 * HEARTBEAT_S, "no sooner"
            until(lambda: "smartbin_api_settled_at_seconds" in second.metrics(), "it shows so", 30)


def test_an_operator_may_run_them_apart(database: Database, tmp_path: Path) -> None:
    api = Running("api", tmp_path, database, JOBS="apart")
    jobs = Running("jobs", tmp_path, database, JOBS="apart")
    with ended(api, jobs):
        until(lambda: jobs.runs() == set(JOBS), "the jobs run", 60 * SLOW)
        until(lambda: "smartbin_api_requests_total" in api.metrics(), "the API answers", 60 * SLOW)
        assert "smartbin_job" not in api.metrics()
        assert "settled_at_seconds" not in api.metrics()
        settled = "smartbin_api_settled_at_seconds"
        assert settled in jobs.metrics()
        assert jobs.end(signal.SIGTERM) == 0
