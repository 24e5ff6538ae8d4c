"""The demo's parts as child processes: a broker, the gateway, the API. Everything started here is
ended here, in reverse order, and nothing else.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from smartbin.core.settings import PREFIX

READY_S = 60.0
STOP_S = 15.0
LOCAL = "127.0.0.1"


class PartFailed(Exception):
    """A part of the demo did not start or ended by itself; the sentence names its log."""


class Processes:
    """Started processes, each with a log of its own."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._jobs: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._warden: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._warden = subprocess.Popen(
            [sys.executable, "-m", "simulator.reaper"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for _, process in [*self._jobs, *reversed(self._running)]:
            _end(process)
        if self._warden and self._warden.stdin:
            self._warden.kill()  # all it watches has ended
            self._warden.wait()
            self._warden.stdin.close()

    def start(self, name: str, argv: Sequence[str], settings: Mapping[str, str]) -> None:
        """Start one that must run for as long as we do; it sees these SMARTBIN_ settings and no
        others.
        """
        self._running.append((name, self._started(name, argv, settings)))

    def start_job(self, name: str, argv: Sequence[str]) -> None:
        """Start one that does something and ends; ``ended_jobs`` tells how."""
        self._jobs.append((name, self._started(name, argv, {})))

    def ended_jobs(self) -> Iterator[tuple[str, int, Path]]:
        """Name, status and log of the jobs that have ended, each once."""
        for job in list(self._jobs):
            name, process = job
            if process.poll() is not None:
                self._jobs.remove(job)
                yield name, process.returncode, self._log(name)

    def _started(
        self, name: str, argv: Sequence[str], settings: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own programs and a broker found on PATH
                argv,
                env=_environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone; we end them in order
            )
        if self._warden and self._warden.stdin:
            self._warden.stdin.write(b"%d\n" % process.pid)
            self._warden.stdin.flush()
        return process

    def ask(self, name: str, argv: Sequence[str], settings: Mapping[str, str]) -> str:
        """Run one to its end; answers what it printed."""
        done = subprocess.run(  # noqa: S603 - our own programs
            argv, env=_environment(settings), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PartFailed(f"{name} ended with status {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def check(self) -> None:
        """Raise PartFailed when one has ended."""
        for name, process in self._running:
            if process.poll() is not None:
                raise PartFailed(
                    f"{name} ended with status {process.returncode}: see {self._log(name)}"
                )

    def wait_for_port(self, name: str, port: int) -> None:
        """Until something listens there."""

        def listens() -> bool:
            with socket.socket() as probe:
                probe.settimeout(0.5)
                return probe.connect_ex((LOCAL, port)) == 0

        self._wait(name, listens)

    def wait_for_url(self, name: str, url: str) -> None:
        """Until a GET answers 200."""

        def answers() -> bool:
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - ours
                    return bool(answer.status == 200)
            except OSError:
                return False

        self._wait(name, answers)

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + READY_S
        while time.monotonic() < deadline_s:
            self.check()
            if ready():
                return
            time.sleep(0.1)
        raise PartFailed(f"{name} is not ready after {READY_S:.0f} s: see {self._log(name)}")

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    return {**inherited, **settings}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def port_of(usual: int) -> int:
    """The usual port, or a free one when it is taken, which is said."""
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOCAL, port))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
        if port != usual:
            print(
                f"端口 {usual} 已被占用，改用 {port} · port {usual} is taken, using {port}",
                file=sys.stderr,
            )
        return port
    raise PartFailed("no free port on this machine; end some programs")
