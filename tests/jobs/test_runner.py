"""A job runs in one program at a time, is never ended by its own failure, and tells of both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import update

from smartbin.core.errors import StoreUnavailable
from smartbin.core.settings import Settings
from smartbin.database import Database
from smartbin.database.outbox import OutboxHead, OutboxKind, OutboxPosition
from smartbin.jobs.job import Ground, Job, Metric, Progress
from smartbin.jobs.leases import Leases
from smartbin.jobs.runner import JobRunner
from smartbin.jobs.tables import job_lease
from smartbin.telemetry import open_reader
from tests.places.small import small_registry
from tests.real import until

NOW_US = 1_000_000_000
LEASE_S, BEAT_S = 5.0, 0.1


class Work:
    """Counts its turns; ``fault`` is raised in each while it is set."""

    def __init__(self) -> None:
        self.turns = 0
        self.fault: Exception | None = None

    def __call__(self, progress: Progress) -> bool:
        self.turns += 1
        if self.fault is not None:
            raise self.fault
        progress.done(1)
        return False


def job(work: Callable[[Progress], bool], every_s: float = 0.01) -> Job[Settings]:
    metrics = Metric("t_done", "Done"), Metric("t_succeeded_at_seconds", "When")
    return Job("work", lambda _: every_s, lambda _ground, _settings: work, *metrics)


class Program:
    """A runner with its metrics."""

    def __init__(self, database: Database, waits: Job[Settings]) -> None:
        self.metrics = CollectorRegistry()
        registry = small_registry()
        reader = open_reader("sqlite:///telemetry-that-is-not-there.db", registry.site.zone)
        ground = Ground(registry, reader, database, lambda: NOW_US)
        self.runner = JobRunner([waits], ground, Settings(), self.metrics, LEASE_S, BEAT_S)

    def value(self, metric: str, **labels: str) -> float | None:
        return self.metrics.get_sample_value(metric, labels)

    def failures(self) -> float:
        return self.value("smartbin_job_failures_total", name="work") or 0


@contextmanager
def running(
    database: Database,
    work: Callable[[Progress], bool],
    every_s: float = 0.01,
    waits: Job[Settings] | None = None,
) -> Iterator[Program]:
    program = Program(database, waits or job(work, every_s))
    program.runner.start()
    try:
        yield program
    finally:
        program.runner.stop()


def test_one_program_turns_and_the_other_takes_over(database: Database) -> None:
    first, second = Work(), Work()
    with running(database, first) as one:
        until(lambda: first.turns > 3, "the first turns")
        with running(database, second) as other:
            time.sleep(10 * BEAT_S)
            assert second.turns == 0
            assert one.value("smartbin_job_runs", name="work") == 1
            assert other.value("smartbin_job_runs", name="work") == 0
            assert one.value("t_succeeded_at_seconds") == NOW_US / 1_000_000
            assert other.value("t_succeeded_at_seconds") is None, "its age would be an alarm"
            one.runner.stop()
            turns = first.turns
            began_s = time.monotonic()
            until(lambda: second.turns > 0, "the second takes over")
            assert time.monotonic() - began_s < LEASE_S, "a lease given back is free at once"
            assert first.turns == turns
            assert other.value("t_succeeded_at_seconds") == NOW_US / 1_000_000


def pass_by(database: Database, seconds: float) -> None:
    """What a lease is like after so long."""
    with database.write() as db:
        db.execute(update(job_lease).values(until_us=job_lease.c.until_us - int(seconds * 1e6)))


def test_a_lease_is_taken_over_when_its_time_is_up_and_not_before(database: Database) -> None:
    mine, yours = Leases(database, "a", 600), Leases(database, "b", 600)
    assert mine.take({"work": 7}) == {"work": 7}
    assert yours.take({"work": 0, "other": 0}) == {"other": 0}
    assert mine.take({"work": 5}) == {"work": 7}, "a later success is not forgotten"
    pass_by(database, 400)
    assert mine.take({"work": 9}) == {"work": 9}, "renewed"
    pass_by(database, 400)
    assert yours.take({"work": 0}) == {}
    pass_by(database, 201)
    assert yours.take({"work": 0}) == {"work": 9}
    mine.give_back(["work"])
    assert mine.take({"work": 0}) == {}, "what is another's cannot be given back"
    yours.give_back(["work"])
    assert mine.take({"work": 0}) == {"work": 9}


def test_a_failure_is_counted_and_the_next_turn_comes(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    work.fault = RuntimeError("a seeded fault")
    with running(database, work) as program:
        until(lambda: program.failures() >= 2, "it fails and goes on")
        assert "work failed; it is tried again" in caplog.text
        work.fault = StoreUnavailable("the store is away")
        until(lambda: "work waits: the store is away" in caplog.text, "it waits")
        assert program.value("t_done_total") == 0
        work.fault = None
        until(lambda: (program.value("t_done_total") or 0) > 0, "it works again", 30)


def test_a_job_that_keeps_failing_here_is_left_to_another_program(database: Database) -> None:
    bad, good = Work(), Work()
    bad.fault = RuntimeError("an older tariff")
    with running(database, bad) as first:
        until(lambda: bad.turns >= 1, "the first has the job")
        with running(database, good):
            until(lambda: good.turns > 0, "the second has it")
            assert first.value("smartbin_job_runs", name="work") == 0


def test_a_job_that_is_woken_turns_at_once(database: Database) -> None:
    work = Work()
    with running(database, work, every_s=3600) as program:
        until(lambda: work.turns == 1, "the lease is taken")
        program.runner.wake("work")
        until(lambda: work.turns == 2, "woken")
        program.runner.wake("nothing")


def test_a_job_that_waits_for_rows_of_the_outbox_is_woken_by_them(database: Database) -> None:
    work, after = Work(), OutboxPosition(0, 0)
    waits = replace(job(work), woken_by=frozenset({OutboxKind.DEPOSIT}))
    with running(database, work, waits=waits) as program:
        until(lambda: work.turns == 1, "the first turn comes by itself")
        time.sleep(0.3)
        program.runner.arrived(after, [OutboxHead(OutboxPosition(1, 0), OutboxKind.ALARM)])
        time.sleep(0.3)
        assert work.turns == 1
        program.runner.arrived(after, [OutboxHead(OutboxPosition(2, 0), OutboxKind.DEPOSIT)])
        until(lambda: work.turns == 2, "a deposit wakes it")
        program.runner.missed()
        until(lambda: work.turns == 3, "rows that were missed wake it")


def test_a_turn_is_asked_to_end_when_the_program_ends(database: Database) -> None:
    begun = threading.Event()

    def work(progress: Progress) -> bool:
        begun.set()
        while not progress.pause():
            pass
        return False

    with running(database, work):
        assert begun.wait(10)
    assert not any(thread.name == "work" for thread in threading.enumerate())


def test_a_job_that_is_never_to_run_takes_no_lease(database: Database) -> None:
    work = Work()
    with running(database, work, every_s=0) as program:
        assert Leases(database, "another", LEASE_S).take({"work": 0}) == {"work": 0}
        assert program.value("t_succeeded_at_seconds") is None
    assert work.turns == 0
