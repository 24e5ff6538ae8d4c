"""The demo's life: it ends what it started and nothing else, and goes on where it was."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from simulator.commands import SEED
from simulator.expect import Expected
from simulator.faults import deliveries
from simulator.fleet import Fleet
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.places.load import load
from tests.real import ROOT, patient_s, until

START_S, END_S = 150, 40


class Demo:
    """One run in a folder of its own, like a checkout whose screens are not built."""

    def __init__(self, folder: Path, make: str, start: Callable[[], object] = lambda: None) -> None:
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        for name in ("deploy", "Makefile"):
            if not (folder / name).exists():
                (folder / name).symlink_to(ROOT / name)
        (folder / "bin/make").write_text(f"#!/bin/sh\n{make}\n")
        (folder / "bin/make").chmod(0o755)
        self._out = folder / f"out-{len(list(folder.iterdir()))}"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("SMARTBIN_")}
        environ |= {"PYTHONPATH": str(ROOT), "PATH": f"{folder}/bin:{environ['PATH']}"}
        argv = [sys.executable, "-u", "-m", "simulator", "demo", "--days", "1", "--data", "var"]
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                argv, cwd=folder, env=environ, stdout=out, stderr=out, preexec_fn=start
            )

    @property
    def said(self) -> str:
        return self._out.read_text(errors="replace")

    def wait_for(self, words: str, within_s: float = START_S) -> None:
        def there() -> bool:
            assert self.process.poll() is None or words in self.said, self.said
            return words in self.said

        until(there, f"{words!r} in {self._out}", within_s)

    def kill(self) -> None:
        """Whatever happened: its reaper ends what it has started."""
        self.process.kill()
        self.process.wait()

    def processes(self) -> set[int]:
        shown = subprocess.run(["ps", "-ax", "-o", "pid=,ppid="], capture_output=True, check=True)
        pairs = [line.split() for line in shown.stdout.decode().splitlines()]
        return {int(pid) for pid, parent in pairs if int(parent) == self.process.pid}

    def ask(self, path: str) -> object:
        api = re.search(r"boards +(\S+)/\n", self.said)
        assert api, self.said
        with urllib.request.urlopen(f"{api[1]}/api/v1/{path}", timeout=patient_s(20)) as answer:
            return json.load(answer)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def end(demo: Demo, number: int) -> int:
    """Send a signal; answers the exit status when it and all its processes have ended."""
    processes = demo.processes()
    assert len(processes) >= 4, "reaper, broker, gateway, API"
    demo.process.send_signal(number)
    status = demo.process.wait(END_S)
    assert not [pid for pid in processes if alive(pid)]
    return status


def hold(stack: ExitStack, port: int) -> None:
    """Take a port as another program would, unless another program has."""
    taken = stack.enter_context(socket.socket())
    # As a server does: connections that have just ended there must not keep it from listening.
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with suppress(OSError):
        taken.bind(("127.0.0.1", port))
        taken.listen()


def test_a_second_start_goes_on_and_ctrl_c_ends_all_and_nothing_else(tmp_path: Path) -> None:
    registry = load(ROOT / "deploy/xinbei")
    today = calendar.day_of(calendar.to_us(datetime.now(UTC)), registry.site.zone)
    day = today - timedelta(days=1)
    window = calendar.bounds_us(Days(day, day), registry.site.zone)
    expected = Expected(registry).add(deliveries(Fleet(registry, SEED), *window))
    wanted = {c: f["total"].deposits for c, f in expected.communities().items()}
    assert sum(wanted.values()) > 10_000

    def told(demo: Demo) -> dict[str, int]:
        ranks = demo.ask(f"communities/ranking?from={day}&to={day}")
        assert isinstance(ranks, dict)
        names = [row["community"] for row in ranks["ranks"]]
        found = {}
        for name in names:
            answer = demo.ask(f"communities/{name}/sorting?from={day}&to={day}")
            assert isinstance(answer, dict)
            found[name] = answer["total"]["deposits"]
        return found

    with ExitStack() as stack:
        for port in (1883, 8000, 8001):
            hold(stack, port)
        bystander = stack.enter_context(subprocess.Popen(["sleep", "600"]))
        stack.callback(bystander.kill)
        # In a shell's background job SIGINT is ignored from the start.
        first = Demo(tmp_path, "exit 0", lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        stack.callback(first.kill)
        first.wait_for("实时数据开始")
        for port in (1883, 8000, 8001):
            assert f"port {port} is taken, using " in first.said
        assert told(first) == wanted
        assert end(first, signal.SIGINT) == 0
        assert bystander.poll() is None

        second = Demo(tmp_path, "exit 0")
        stack.callback(second.kill)
        second.wait_for("实时数据开始")
        assert "接着已有的数据" in second.said
        assert events(first) > 20_000
        assert events(second) < 2_000
        assert told(second) == wanted
        assert end(second, signal.SIGTERM) == 128 + signal.SIGTERM


def events(demo: Demo) -> int:
    found = re.search(r"history is complete \((\d+) events", demo.said)
    assert found, demo.said
    return int(found[1])


def test_a_killed_demo_leaves_nothing_and_a_failed_build_is_said(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "echo no registry within reach; exit 1")
    try:
        demo.wait_for("页面构建失败")
        log = tmp_path / "var/logs/screens.log"
        assert str(log) in demo.said
        assert "no registry" in log.read_text()
        processes = demo.processes()
        assert len(processes) >= 4
    finally:
        demo.kill()
    until(lambda: not [pid for pid in processes if alive(pid)], "its processes end", END_S)


def test_a_build_under_way_ends_too(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "sleep 600 & echo $! > building; wait")
    try:
        demo.wait_for("请打开")
        builder = int((tmp_path / "building").read_text())
        assert end(demo, signal.SIGHUP) == 128 + signal.SIGHUP
        until(lambda: not alive(builder), "what the build had started ends", END_S)
    finally:
        demo.kill()
