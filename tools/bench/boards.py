"""Two hundred boards open at once on one API: deposits go through Mosquitto, the gateway and
SQLite, every board hears of every one and reads its figures as often as the real page does, and a
crew asks for full bins meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path

from smartbin.facts.events import Deposit, Verdict
from smartbin.facts.wire import event_of, payload_of, topic_of
from smartbin.places.load import load
from tests.broker.devices import publishing
from tests.broker.process import Gateway
from tests.places.small import SHANGHAI
from tests.real import Mosquitto, until
from tools.bench.result import SITE, Result
from tools.bench.served import Asker, served

BOARDS, RATE, SECONDS = 200, 20, 20
ASKS = 20  # a second, for full bins
# A board reads a month's figures every 20 s while deposits come, its bins every 30 s.
READS = (("sorting?every=day&from={day}&to={day}", 20.0), ("bins", 30.0))
READERS = 4
# What was not heard by then counts as heard then.
LATE_S = 10.0
WEIGHT = re.compile(rb'event: deposit\ndata: [^\n]*"weight_g":(\d+)')


@dataclass
class Heard:
    """When each deposit was said and when each board heard of it; a deposit is named by its weight,
    which no other has.
    """

    boards: int
    said_s: dict[int, float] = field(default_factory=dict)
    heard_s: list[dict[int, float]] = field(default_factory=list)
    twice: int = 0
    full_ms: list[float] = field(default_factory=list)

    def last_ms(self) -> list[float]:
        """How long each deposit took to be on the last of the boards, sorted."""
        late_s = max(self.said_s.values()) + LATE_S
        return sorted(
            (max(one.get(weight, late_s) for one in self.heard_s) - said_s) * 1000
            for weight, said_s in self.said_s.items()
        )

    def missing(self) -> int:
        """How many deposits how many boards never heard of."""
        return sum(len(self.said_s.keys() - one.keys()) for one in self.heard_s)


def measures() -> Iterator[Result]:
    """The slowest way to the last board, and what asking for full bins takes meanwhile."""
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        found = heard(Path(name), BOARDS, SECONDS)
    last_ms, full_ms = found.last_ms(), sorted(found.full_ms)
    how = f"{BOARDS} boards, {RATE} deposits/s for {SECONDS} s, {found.missing()} missed"
    p95_ms = full_ms[int(len(full_ms) * 0.95)]
    yield Result("deposit to the last of the boards, median", last_ms[len(last_ms) // 2], "ms")
    yield Result("deposit to the last of the boards, slowest", last_ms[-1], "ms", 2000, True, how)
    yield Result("bins/full while boards are open, median", full_ms[len(full_ms) // 2], "ms")
    how = f"{len(full_ms)} answers"
    yield Result("bins/full while boards are open, p95", p95_ms, "ms", 20, at_most=True, how=how)


def heard(folder: Path, boards: int, seconds: float) -> Heard:
    """Run everything for so long; all boards are open before the first deposit is said."""
    found = Heard(boards)
    broker = Mosquitto(folder / "mosquitto")
    broker.start()
    gateway = Gateway(folder, broker)
    gateway.start()
    try:
        until(lambda: gateway.get("/readyz")[0] == 200, "the gateway is ready")
        with served(folder) as api, _listening(api, found), _beside(api, found):
            _say(broker, found, seconds)
            with contextlib.suppress(AssertionError):  # what is missing is counted, and told
                until(lambda: not found.missing(), "every board heard of all", LATE_S)
    finally:
        gateway.end(signal.SIGTERM)
        broker.stop()
    return found


def _say(broker: Mosquitto, found: Heard, seconds: float) -> None:
    registry = load(SITE)
    doors = cycle([door.key for d in registry.devices for door in registry.doors_of_device(d)])
    with publishing(broker) as devices:
        start_s = time.monotonic()
        for n, key in zip(range(int(RATE * seconds)), doors, strict=False):
            time.sleep(max(0.0, start_s + n / RATE - time.monotonic()))
            at_us = time.time_ns() // 1_000_000 * 1000 + n % 1000
            deposit = Deposit(*key, at_us, n + 1, Verdict.CORRECT, seq=n)
            topic = topic_of(registry.site.id, key.device, "deposit")
            found.said_s[n + 1] = time.monotonic()
            devices.publish(topic, payload_of(event_of([deposit])))


@contextlib.contextmanager
def _listening(api: Asker, found: Heard) -> Iterator[None]:
    """Every board's stream, in a loop of its own; goes on once all are open."""
    found.heard_s = [{} for _ in range(found.boards)]
    loop, opened = asyncio.new_event_loop(), [0]

    async def listen(mine: dict[int, float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=2**20)
        with contextlib.closing(writer):
            writer.write(b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await reader.readuntil(b"event: recent\n")
            opened[0] += 1
            rest = b""
            while data := await reader.read(2**16):
                now_s, rest = time.monotonic(), rest + data
                whole, _, rest = rest.rpartition(b"\n\n")
                for weight in WEIGHT.findall(whole):
                    found.twice += int(weight) in mine
                    mine.setdefault(int(weight), now_s)

    async def every() -> None:
        await asyncio.gather(*(listen(one) for one in found.heard_s))

    task = loop.create_task(every())
    thread = threading.Thread(target=_until_cancelled, args=(loop, task))
    thread.start()
    try:
        until(lambda: opened[0] == found.boards, "every board is open", 60)
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


def _until_cancelled(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)


@contextlib.contextmanager
def _beside(api: Asker, found: Heard) -> Iterator[None]:
    """The crew that asks for full bins, and the boards' own reading, until the end."""
    today = datetime.now(SHANGHAI).date()
    communities = cycle(load(SITE).communities)
    paths = [path.format(day=today.isoformat()) for path, _ in READS]
    a_second = found.boards * sum(1 / every_s for _, every_s in READS)

    def ask(connection: HTTPConnection) -> None:
        start_s = time.monotonic()
        _get(connection, "bins/full", api.token)
        found.full_ms.append((time.monotonic() - start_s) * 1000)

    def read(connection: HTTPConnection) -> None:
        for path in paths:
            _get(connection, f"communities/{next(communities)}/{path}")

    stop = threading.Event()
    each_s = READERS * len(READS) / a_second
    work = [(ask, 1 / ASKS), *[(read, each_s)] * READERS]
    threads = [
        threading.Thread(target=_again, args=(act, api.port, every_s, stop))
        for act, every_s in work
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _again(
    act: Callable[[HTTPConnection], None], port: int, every_s: float, stop: threading.Event
) -> None:
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        next_s = time.monotonic()
        while not stop.wait(max(0.0, next_s - time.monotonic())):
            act(connection)
            next_s += every_s


def _get(connection: HTTPConnection, path: str, token: str = "") -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request("GET", f"/api/v1/{path}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
