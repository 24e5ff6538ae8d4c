"""``python -m tools.soak.board [--minutes 60]``: a board stays open while fifty events a second
arrive, in a Chromium that nothing looks into: its processes are measured from outside.

The page's own process must stay under 150 MB of its own memory (what Chromium's task manager calls
the footprint: anonymous pages, resident or swapped) and under 10 % of one core. In the end the
board must show what the API counts. Ends with status 1 when one of these is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from smartbin.core import calendar
from smartbin.facts.events import Deposit, Fact, Judge, LevelReading, Verdict
from smartbin.facts.wire import event_of, kind_of, payload_of, topic_of
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.telemetry import open_writer
from tests.broker.devices import publishing
from tests.places.small import SHANGHAI
from tests.real import ROOT, Mosquitto, free_port, program, until
from tests.web.system import System, running
from tools.bench.result import SITE

COMMUNITY = "yicheng-haoting"
RATE = 50
LEVEL_EVERY = 10  # every tenth event is a level, the others are deposits
MEMORY_MB_MAX, CPU_PCT_MAX = 150.0, 10.0
SETTLE_S = 30.0  # reading the page and drawing it first is not what runs for weeks
HISTORY_DAYS = 30
SAMPLE_S = 60.0
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--no-first-run", "--window-size=1920,1080"]  # fmt: skip
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """The page's process, and all of Chromium's together, after this many minutes."""

    minute: float
    page_mb: float
    page_cpu_pct: float
    browser_mb: float
    browser_cpu_pct: float
    events: int


def main(arguments: list[str]) -> int:
    """Run for so long; answers the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args(arguments).minutes
    with tempfile.TemporaryDirectory(prefix="smartbin-soak-") as name, sync_playwright() as driver:
        folder = Path(name)
        _history(folder, load(SITE))
        looker = driver.chromium.launch(executable_path=_chromium(), args=FLAGS)
        with running(folder, looker) as system, _publishing(system.broker) as sent:
            port = free_port()
            with _wall(folder, f"{system.url}/board/{COMMUNITY}", port) as wall:
                samples = list(_samples(wall, minutes, sent))
                over_cdp = driver.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
                right = _agrees(system, over_cdp)
        looker.close()
    return _judged(samples, right)


def _chromium() -> str:
    return program("chromium", "apt-get install chromium")


def _history(folder: Path, registry: Registry) -> None:
    """Thirty days of every community, so that every chart has all it ever draws."""
    writer = open_writer(f"sqlite:///{folder}/telemetry.db", SHANGHAI)
    now_us = calendar.to_us(datetime.now(SHANGHAI))
    day_us = 24 * calendar.US_PER_HOUR
    for back in range(1, HISTORY_DAYS):
        writer.append([
            Deposit(device, door.id, now_us - back * day_us + n * 1000 + i,
                    900 + 37 * n, Verdict.INCORRECT if (n + i) % 9 == 0 else Verdict.CORRECT,
                    Judge.CAMERA)
            for i, device in enumerate(registry.devices)
            for door in registry.doors_of_device(device)
            for n in range(30)
        ])  # fmt: skip
    writer.close()


@contextmanager
def _publishing(broker: Mosquitto) -> Iterator[list[int]]:
    """Fifty events a second of the community's bin; answers a list whose one entry counts them."""
    registry, sent, stop = load(SITE), [0], threading.Event()
    today = datetime.now(SHANGHAI).date()
    device = next(d for d in registry.devices if registry.community_of(d, today) == COMMUNITY)
    doors = [door.id for door in registry.doors_of_device(device)]

    def run() -> None:
        start_s = time.monotonic()
        with publishing(broker, "soak") as devices:
            while not stop.wait(max(0.0, start_s + sent[0] / RATE - time.monotonic())):
                fact = _fact(device, doors, sent[0])
                topic = topic_of(registry.site.id, device, kind_of([fact]))
                devices.publish(topic, payload_of(event_of([fact])))
                sent[0] += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


def _fact(device: str, doors: list[str], n: int) -> Fact:
    at_us = time.time_ns() // 1_000_000 * 1000 + n % 1000
    door = doors[n % len(doors)]
    if n % LEVEL_EVERY == 0:
        return LevelReading(device, door, at_us, n // LEVEL_EVERY % 95, seq=n)
    card = f"K{n % 5000:06d}"
    return Deposit(device, door, at_us, 800 + n % 900, Verdict.CORRECT, account=card, seq=n)


@contextmanager
def _wall(folder: Path, url: str, port: int) -> Iterator[int]:
    """Chromium as a wall screen runs it; answers its process id."""
    options = [f"--user-data-dir={folder}/wall", f"--remote-debugging-port={port}", *FLAGS]
    with (folder / "wall.log").open("wb") as log:
        process = subprocess.Popen([_chromium(), *options, url], stdout=log, stderr=log)
    try:
        until(lambda: bool(_page_of(_family(process.pid))), "Chromium has opened the board")
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _samples(wall: int, minutes: float, sent: list[int]) -> Iterator[Sample]:
    """Every minute: memory now, processor time since the sample before."""
    time.sleep(SETTLE_S)
    start_s = before_s = time.monotonic()
    page = _page_of(_family(wall))
    cpu_before = (_cpu_s([page]), _cpu_s(_family(wall)))
    while before_s < start_s + minutes * 60:
        time.sleep(min(SAMPLE_S, max(1.0, start_s + minutes * 60 - before_s)))
        family, now_s = _family(wall), time.monotonic()
        cpu = (_cpu_s([page]), _cpu_s(family))
        spent = [100 * (b - a) / (now_s - before_s) for a, b in zip(cpu_before, cpu, strict=True)]
        sample = Sample((now_s - start_s) / 60, _own_mb([page]), spent[0], _own_mb(family),
                        spent[1], sent[0])  # fmt: skip
        cpu_before, before_s = cpu, now_s
        page_said = f"page {sample.page_mb:6.1f} MB {sample.page_cpu_pct:5.1f} %"
        all_said = f"all of Chromium {sample.browser_mb:6.1f} MB {sample.browser_cpu_pct:5.1f} %"
        print(f"{sample.minute:5.1f} min  {page_said}  {all_said}  {sent[0]:,} events", flush=True)
        yield sample


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    processes: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has just ended
            processes.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(processes.get(one, []))
    return found


def _page_of(family: list[int]) -> int:
    """The process that draws the page: of the renderers the one with most memory; 0 for none."""
    renderers = [pid for pid in family if b"--type=renderer" in _read(pid, "cmdline")]
    return max(renderers, key=lambda pid: _own_mb([pid]), default=0)


def _own_mb(pids: list[int]) -> float:
    kb = 0
    for pid in pids:
        for line in _read(pid, "status").splitlines():
            if line.startswith((b"RssAnon:", b"VmSwap:")):
                kb += int(line.split()[1])
    return kb / 1000


def _cpu_s(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        if stat := _read(pid, "stat").rpartition(b")")[2].split():
            ticks += int(stat[11]) + int(stat[12])
    return ticks / TICKS


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""  # it has just ended


def _agrees(system: System, wall: Browser) -> bool:
    """The board still counts: what it shows of today is what the API says, within a minute."""
    page = wall.contexts[0].pages[0]
    today = datetime.now(SHANGHAI).date().isoformat()
    path = f"communities/{COMMUNITY}/sorting?from={today}&to={today}&every=total"

    def close() -> bool:
        shown = "".join(c for c in page.locator(".deposits").first.inner_text() if c.isdecimal())
        return abs(int(shown or 0) - int(system.asked(path)["total"]["deposits"])) < RATE * 10

    try:
        until(close, "the board agrees with the API", 60)
    except AssertionError as error:
        print(error)
        return False
    return True


def _judged(samples: list[Sample], right: bool) -> int:
    file = ROOT / "build" / "board-soak.json"
    file.parent.mkdir(exist_ok=True)
    rows = [asdict(sample) for sample in samples]
    file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    most_mb = max(sample.page_mb for sample in samples)
    mean_pct = sum(sample.page_cpu_pct for sample in samples) / len(samples)
    kept = most_mb <= MEMORY_MB_MAX and mean_pct <= CPU_PCT_MAX and right
    memory = f"at most {most_mb:.0f} MB (asked {MEMORY_MB_MAX:.0f})"
    processor = f"{mean_pct:.1f} % of a core (asked {CPU_PCT_MAX:.0f})"
    print(f"{'ok' if kept else 'NO'}  {memory}, {processor}, board right: {right}; {file}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
