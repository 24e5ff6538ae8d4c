"""A disk that is full: the gateway over SQLite stores and a quarantine on a tmpfs of a few MB."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from smartbin.quarantine.store import Quarantine
from smartbin.telemetry.sqlite.source import SqliteSource
from tests.broker.devices import publishing
from tests.broker.process import Gateway
from tests.broker.test_kill import counted, deposits, single
from tests.faults.campaign import Outcome
from tests.places.small import SHANGHAI
from tests.real import Mosquitto, missing, until

SIZE = "4m"
POISON = [("smartbin/v1/xinbei/bin-001/deposit", b'{"n":%d}' % n + b" " * 2000) for n in range(20)]


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of SIZE, mounted for a while."""
    folder.mkdir()
    asked = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(asked, capture_output=True).returncode != 0:
        missing("a small disk", "run the tests as root: they mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def filled(disk: Path, broker: Mosquitto, events: int) -> Outcome:
    """Publish; fill the disk; publish on until the gateway says why it waits; make room again."""
    gateway = Gateway(disk, broker)
    gateway.start()
    try:
        return _filled(disk, broker, gateway, events)
    finally:
        if gateway.process is not None and gateway.process.poll() is None:
            gateway.end(signal.SIGKILL)


def _filled(disk: Path, broker: Mosquitto, gateway: Gateway, events: int) -> Outcome:
    sent = deposits(events, random.Random(events))
    half = events // 2
    until(lambda: gateway.get("/readyz")[0] == 200, "the gateway subscribes", 60)
    with publishing(broker) as devices:
        devices.send([single(d) for d in sent[:half]])
        until(lambda: counted(disk, "SELECT count(*), 0 FROM deposit")[0] == half, "half", 60)
        ballast = disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        devices.send([*POISON, *(single(d) for d in sent[half:])])
    until(lambda: gateway.get("/readyz")[0] == 503, "it says that it waits", 60)
    ballast.unlink()
    emptied_s = time.monotonic()
    until(lambda: counted(disk, "SELECT count(*), 0 FROM deposit")[0] >= events, "all", 90)
    until(lambda: gateway.get("/readyz")[0] == 200, "ready again", 60)
    until(lambda: "batch_messages 0.0" in gateway.get("/metrics")[1], "nothing in hand", 60)
    recover_s = time.monotonic() - emptied_s
    assert gateway.end(signal.SIGTERM) == 0
    with closing(SqliteSource(disk / "telemetry.db", SHANGHAI)) as source:
        kept = Counter((f.device, getattr(f, "door", ""), f.at_us) for f in source.facts(0, 2**60))
    wanted = Counter((d.device, d.door, d.at_us) for d in sent)
    aside = len([k for k in Quarantine(disk / "quarantine") if k.id]) - len(POISON)
    lines = counted(disk, "SELECT count(*), 0 FROM deposit_line", "records")[0]
    lines -= sum(d.account is not None for d in sent)
    lost = (wanted - kept).total() + max(0, -aside) + max(0, -lines)
    return Outcome(events, lost, (kept - wanted).total() + max(0, aside) + max(0, lines), recover_s)
