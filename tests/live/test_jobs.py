"""The outbox is trimmed by a job, by whichever program has its lease."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from smartbin.core.settings import Settings
from smartbin.database import Database, outbox
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit
from smartbin.jobs.job import Ground
from smartbin.jobs.runner import JobRunner
from smartbin.live.jobs import JOBS
from smartbin.telemetry import open_reader
from tests.places.small import SHANGHAI, small_registry
from tests.real import until

NOW_US = 1_763_893_925_000_000


def test_a_day_later_only_the_newest_row_is_left(database: Database, tmp_path: Path) -> None:
    for n in range(3):
        lines = DepositLines(database, SHANGHAI, lambda: NOW_US)
        lines.append([Deposit("bin-001", "kitchen", NOW_US + n, 100)])
    later_us = NOW_US + outbox.KEPT_US + 1
    reader = open_reader(f"sqlite:///{tmp_path}/telemetry.db", SHANGHAI)
    ground = Ground(small_registry(), reader, database, lambda: later_us)
    metrics = CollectorRegistry()
    runner = JobRunner(JOBS, ground, Settings(), metrics)
    runner.start()
    try:
        removed = "smartbin_api_outbox_rows_removed_total"
        until(lambda: metrics.get_sample_value(removed) == 2, "the old rows are removed", 30)
    finally:
        runner.stop()
    with database.read() as db:
        assert len(outbox.rows_after(db, 0, 9)) == 1
    assert metrics.get_sample_value("smartbin_api_outbox_trimmed_at_seconds") is not None
