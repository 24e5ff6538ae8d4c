"""Runs jobs in threads of this program, each while the program holds its lease.

Several programs over one database run each job once: whoever holds the lease. When that program is
killed, another one takes over within LEASE_S + HEARTBEAT_S seconds; when it ends in order, within
HEARTBEAT_S.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from smartbin.core import calendar
from smartbin.core.errors import StoreUnavailable
from smartbin.core.settings import Settings
from smartbin.database.outbox import OutboxHead, OutboxPosition
from smartbin.jobs.job import AnyJob, Ground, Turn
from smartbin.jobs.leases import LEASE_S, Leases

LOG = logging.getLogger("smartbin.jobs")
HEARTBEAT_S = 5.0
"""How often leases are renewed, and those of others looked at."""
SOON_S = 5.0
"""A job's first turn comes after at most so long, however rarely it runs."""
PAUSE_S = 0.02
IDLE_S = 60.0
"""How long a job that the outbox wakes waits for news."""
FAILURES_MAX, LEFT_S = 3, 10.0
"""After this many failed turns in a row a job is left to other programs for so long."""


class JobRunner:
    """The jobs of this program: ``start`` and ``stop`` them, ``wake`` one for a turn at once."""

    def __init__(
        self,
        jobs: Sequence[AnyJob],
        ground: Ground,
        settings: Settings,
        metrics: CollectorRegistry,
        lease_s: float = LEASE_S,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        holder = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._leases = Leases(ground.database, holder, lease_s)
        self._lease_s, self._heartbeat_s = lease_s, heartbeat_s
        self._stopping = threading.Event()
        self._beat = threading.Thread(target=self._renew, name="leases", daemon=True)
        failures = Counter(
            "smartbin_job_failures", "Turns of a job that failed", ["name"], registry=metrics
        )
        runs = Gauge(
            "smartbin_job_runs", "1 while this program runs the job", ["name"], registry=metrics
        )
        self._jobs = {
            job.name: _Runs(
                job, every_s, job.prepare(ground, settings), ground, metrics, failures, runs
            )
            for job in jobs
            if (every_s := job.every_s(settings)) > 0
        }

    def start(self) -> None:
        """Begin; the first turn of each job comes soon after its lease is ours."""
        for job in self._jobs.values():
            job.start()
        if self._jobs:
            self._beat.start()

    def stop(self) -> None:
        """End every job after the transaction in hand, and give the leases back."""
        self._stopping.set()
        for job in self._jobs.values():
            job.stop()
        if self._beat.ident is not None:  # it was started; it may have ended already
            self._beat.join()
            self._give_back([name for name, job in self._jobs.items() if job.is_ours()])

    def wake(self, name: str) -> None:
        """Let a job turn at once, where this program runs it; else it does nothing. Callable from
        any thread, and as often as one likes: a job under way turns once more afterwards.
        """
        if (job := self._jobs.get(name)) is not None:
            job.wake()

    def arrived(self, _after: OutboxPosition, rows: Sequence[OutboxHead]) -> None:
        """Wake the jobs that wait for these rows (see smartbin.live.tail.OutboxReader)."""
        kinds = {row.kind for row in rows}
        for job in self._jobs.values():
            if job.woken_by & kinds:
                job.wake()

    def missed(self) -> None:
        """Wake every job that waits for rows: some could not be read."""
        for job in self._jobs.values():
            if job.woken_by:
                job.wake()

    def _renew(self) -> None:
        while True:
            try:
                self._beat_once()
            except StoreUnavailable as error:
                LOG.warning("jobs wait: %s", error)
            except Exception:  # one that ended the thread would end every job without a word
                LOG.exception("renewing the leases of jobs failed; it is tried again")
            if self._stopping.wait(self._heartbeat_s):
                return

    def _beat_once(self) -> None:
        began_s = time.monotonic()
        left = [name for name, job in self._jobs.items() if job.leaves(began_s)]
        if left:
            self._leases.give_back(left)
        wanted = {n: job.succeeded_us for n, job in self._jobs.items() if n not in left}
        ours = self._leases.take(wanted)
        for name in wanted:
            if name in ours:
                self._jobs[name].holds(began_s + self._lease_s, ours[name])
            else:
                self._jobs[name].is_anothers()

    def _give_back(self, names: Sequence[str]) -> None:
        try:
            if names:
                self._leases.give_back(names)
        except StoreUnavailable as error:
            LOG.warning("jobs: their leases end by themselves: %s", error)


class _Runs:
    """One job and its thread."""

    def __init__(
        self,
        job: AnyJob,
        every_s: float,
        turn: Turn,
        ground: Ground,
        metrics: CollectorRegistry,
        failures: Counter,
        runs: Gauge,
    ) -> None:
        self._job, self._every_s, self._turn, self._ground = job, every_s, turn, ground
        self.woken_by = job.woken_by
        self._metrics = metrics
        self._counted = Counter(*job.counts, registry=metrics)
        self._succeeded = Gauge(*job.succeeded, registry=None)
        self._shown = False
        self.succeeded_us = 0
        self._began_us = ground.now_us()
        self._failed, self._left_until_s = 0, 0.0
        self._failures, self._runs = failures.labels(job.name), runs.labels(job.name)
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._until_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=job.name, daemon=True)

    def start(self) -> None:
        self._show()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()
        self._thread.join()
        self._runs.set(0)

    def wake(self) -> None:
        self._woken.set()

    def is_ours(self) -> bool:
        """Whether nobody else may run it now."""
        return self._until_s is not None and time.monotonic() < self._until_s

    def holds(self, until_s: float, succeeded_us: int) -> None:
        """The lease is ours until then (monotonic); when a turn last succeeded, anywhere."""
        taken, self._until_s = self._until_s is None, until_s
        self._runs.set(1)
        self.succeeded_us = max(self.succeeded_us, succeeded_us)
        self._show()
        if taken:
            LOG.info("%s runs here", self._job.name)
            self.wake()

    def is_anothers(self) -> None:
        """Another program runs it: that one shows when it last succeeded."""
        self._until_s = None
        self._runs.set(0)
        if self._shown:
            self._metrics.unregister(self._succeeded)
            self._shown = False

    def leaves(self, now_s: float) -> bool:
        """Whether another program shall have the job for a while: here it failed time and again,
        for example because this program was started with an older tariff.
        """
        if self._failed >= FAILURES_MAX:
            self._failed, self._left_until_s = 0, now_s + LEFT_S
            self._until_s = None
            self._runs.set(0)
        return now_s < self._left_until_s

    def pause(self) -> bool:
        """See Progress."""
        return self._stopping.wait(PAUSE_S)

    def done(self, count: int) -> None:
        """See Progress."""
        self._counted.inc(count)

    def _show(self) -> None:
        """When the job last succeeded is shown by the program that runs it, and at least from its
        start on: the age of that moment is an alarm. It stays while nobody else runs the job.
        """
        moment_us = max(self.succeeded_us, self._began_us)
        self._succeeded.set(moment_us / calendar.US_PER_S)
        if not self._shown:
            self._metrics.register(self._succeeded)
            self._shown = True

    def _run(self) -> None:
        wait_s = min(SOON_S, self._every_s)
        while True:
            self._woken.wait(wait_s)
            self._woken.clear()  # before the turn: what comes during it wakes again
            if self._stopping.is_set():
                return
            if not self.is_ours():
                continue
            again, wait_s = self._once(), self._every_s
            if self._job.woken_by:
                if self._stopping.wait(self._every_s):
                    return
                wait_s = 0 if again else IDLE_S

    def _once(self) -> bool:
        """One turn; whether the next one should come without being woken."""
        now_us = self._ground.now_us()
        try:
            again = self._turn(self)
            self.succeeded_us, self._failed = now_us, 0
            self._succeeded.set(now_us / calendar.US_PER_S)
        except StoreUnavailable as error:
            self._fails()
            LOG.warning("%s waits: %s", self._job.name, error)
        except Exception:  # one that ended the thread would end the job without a word
            self._fails()
            LOG.exception("%s failed; it is tried again", self._job.name)
        else:
            return again
        return True

    def _fails(self) -> None:
        self._failures.inc()
        self._failed += 1
