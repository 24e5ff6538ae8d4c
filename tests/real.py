"""Real servers for tests: found, or the test says how to get them."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[1]
# Every deadline of the tests is what a quiet desk needs with room, times this: a wait ends by its
# condition, so a larger factor costs time only where a test fails.
PATIENCE = float(os.environ.get("SMARTBIN_TEST_PATIENCE", "3"))


def patient_s(desk_s: float) -> float:
    """A deadline that holds on a slower machine too."""
    return desk_s * PATIENCE


def missing(what: str, how: str) -> NoReturn:
    """A real part is not here: skip, but fail where everything must be here (CI=true)."""
    sentence = f"{what} is missing: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def program(name: str, how: str) -> str:
    """The path of an installed program."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    return found or missing(name, how)


# Below the ports that Linux gives to outgoing connections: one of those would otherwise take it
# before the server that it is for, or while that server is down.
PORTS = range(20_000, 32_768)
_given: set[int] = set()


def free_port() -> int:
    """A port that was free a moment ago, and that this process has not given to anybody."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


def until(condition: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    """Wait for a condition, or fail saying what did not happen within a slow machine's time."""
    within_s = patient_s(within_s)
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.01)


class Mosquitto:
    """The real broker with the shipped configuration, on a free port and in a folder of its own."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self._program = program("mosquitto", "apt-get install mosquitto")
        self.port = free_port()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        shipped = (ROOT / "deploy/mosquitto/local.conf").read_text(encoding="utf-8")
        data = folder / "data"
        data.mkdir(exist_ok=True)
        if os.getuid() == 0:
            # Mosquitto gives up root for the user mosquitto, which must reach its folder.
            extra += "\nuser root"
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(
            shipped.replace("listener 1883 127.0.0.1", f"listener {self.port} 127.0.0.1").replace(
                "persistence_location var/mosquitto/", f"persistence_location {data}/"
            )
            + f"\n{extra}\n",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self._conf)], stdout=log, stderr=log
            )
        until(self._answers, f"mosquitto answers (see {self._folder}/mosquitto.log)")

    def save(self) -> None:
        """Write sessions and queues to disk, as it does by itself every minute."""
        saved = self._folder / "data/mosquitto.db"
        saved.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        until(saved.exists, "mosquitto has saved")

    def kill(self) -> None:
        """No stop at all: what is not on disk is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(patient_s(20))
            self._process = None

    def stop(self) -> None:
        """A clean stop: persistent sessions are written to disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(patient_s(20))
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "mosquitto.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
