"""The demo's parts as child processes: a broker, the gateway, the API. Everything started here is
ended here, in reverse order, and nothing else.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from smartbin.errors import BadInput
from smartbin.settings import PREFIX

READY_S = 60.0
STOP_S = 15.0
LOCAL = "127.0.0.1"


class PartFailed(Exception):
    """A part of the demo did not start or ended by itself; the sentence names its log."""


class Children:
    """Started processes, each with a log of its own."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for _, process in reversed(self._running):
            _end(process)

    def start(self, name: str, argv: Sequence[str], settings: Mapping[str, str]) -> None:
        """Start one; it sees these SMARTBIN_ settings and no others."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own programs and a broker found on PATH
                argv,
                env=_environment(settings),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone; we end them in order
            )
        self._running.append((name, process))

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
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()


def port_of(usual: int) -> int:
    """The usual port, or a free one when it is taken."""
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOCAL, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise PartFailed("no free port on this machine; end some programs")


def start_broker(children: Children, folder: Path, port: int, choice: str = "auto") -> str:
    """Mosquitto with the shipped settings when it is installed, else the embedded one; answers
    which. ``choice`` is ``auto``, ``mosquitto`` or ``embedded``.
    """
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if choice == "mosquitto" and not mosquitto:
        raise BadInput("--broker: mosquitto is not installed; install it or choose embedded")
    if choice == "embedded":
        mosquitto = None
    if mosquitto:
        conf = folder / "mosquitto.conf"
        store = (folder / "mosquitto").resolve()
        store.mkdir(parents=True, exist_ok=True)
        shipped = Path("deploy/mosquitto/local.conf").read_text(encoding="utf-8")
        own = {
            "listener": f"listener {port} {LOCAL}",
            "persistence_location": f"persistence_location {store}/",
        }
        lines = [own.get(line.partition(" ")[0], line) for line in shipped.splitlines()]
        if os.geteuid() == 0:
            lines.append("user root")  # it would become nobody, who may not write here
        conf.write_text("\n".join(lines) + "\n", encoding="utf-8")
        children.start("broker", [mosquitto, "-c", str(conf)], {})
        name = "Mosquitto (deploy/mosquitto/local.conf)"
    else:
        children.start("broker", [sys.executable, "-m", "simulator.embedded_broker", str(port)], {})
        name = "iotcore (embedded; keeps messages in memory: its restart would lose what waits)"
    children.wait_for_port("broker", port)
    return name
