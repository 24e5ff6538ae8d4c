"""How quickly a stored backlog is drained: the gateway's own process into SQLite, against a bare
paho subscriber that only acknowledges the same backlog.
"""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.broker.process import Gateway
from tools.bench.backlog import BATCH, Message, batch_messages, single_messages, stored
from tools.bench.result import Result
from tools.bench.served import processor_s

SINGLES = 50_000
BATCHES = 4_000
ROUNDS = 3


def measures() -> Iterator[Result]:
    """The drains, and their ratios: in each round one after the other, the median of the rounds."""
    singles, batches = list(single_messages(SINGLES)), list(batch_messages(BATCHES))
    bare, one, many = list[float](), list[Drained](), list[Drained]()
    bare_us = list[float]()
    for _ in range(ROUNDS):
        spent_s, used_s = drained_bare(singles)
        bare.append(SINGLES / spent_s)
        bare_us.append(used_s / SINGLES * 1e6)
        one.append(drained(singles, SINGLES))
        many.append(drained(batches, BATCHES * BATCH, BATCHES))
    ones, manys = [d.per_s for d in one], [d.per_s for d in many]
    how = f"processor time a message: {statistics.median(bare_us):.1f} us"
    yield Result("bare paho subscriber", statistics.median(bare), "msg/s", how=how)
    yield Result("gateway, single messages", statistics.median(ones), "msg/s", how=cost(one))
    yield Result("gateway / bare paho", ratio(ones, bare), "x", 1.1)
    yield Result("gateway, batches of 50", statistics.median(manys), "events/s", how=cost(many))
    yield Result("batches of 50 / single", ratio(manys, ones), "x", 5.0)
    yield Result("batches of 50 / bare paho", ratio(manys, bare), "x")


@dataclass(frozen=True, slots=True)
class Drained:
    """How a backlog was drained: events a second from the gateway's first message to its last one
    acknowledged, processor time an event, peak memory.
    """

    per_s: float
    gateway_us: float
    broker_us: float
    memory_mb: float


def cost(rounds: Sequence[Drained]) -> str:
    """Processor time of both programs, which other work on the machine touches less than rates."""
    gateway_us = statistics.median(d.gateway_us for d in rounds)
    broker_us = statistics.median(d.broker_us for d in rounds)
    return f"processor time an event: gateway {gateway_us:.1f} us, broker {broker_us:.1f} us"


def ratio(rates: Sequence[float], base: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows the machine for a while slows both."""
    return statistics.median(a / b for a, b in zip(rates, base, strict=True))


def drained_bare(messages: Sequence[Message]) -> tuple[float, float]:
    """Seconds that paho needs to receive and acknowledge all, and how many of the processor."""
    with stored(messages, "bare") as (broker, _):
        left = len(messages)

        def arrived(*_: object) -> None:
            nonlocal left
            left -= 1

        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bare", clean_session=False)
        client.on_message = arrived
        started_s, before_s = time.perf_counter(), time.process_time()
        client.connect("127.0.0.1", broker.port)
        while left:
            client.loop(1)
        spent_s, used_s = time.perf_counter() - started_s, time.process_time() - before_s
        client.disconnect()
        return spent_s, used_s


def drained(
    messages: Iterable[Message],
    events: int,
    number: int | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Drained:
    """Let the gateway's own process drain ``number`` messages (as many as events when left out)."""
    with stored(messages, "smartbin-gateway") as (broker, folder):
        gateway = Gateway(folder, broker, settings=dict(settings))
        gateway.start()
        assert gateway.process is not None
        pids = gateway.process.pid, broker.pid
        try:
            started_s, before_s = when(gateway, 1), [processor_s(pid) for pid in pids]
            spent_s = when(gateway, number or events) - started_s
            used_us = [
                (processor_s(pid) - s) / events * 1e6 for pid, s in zip(pids, before_s, strict=True)
            ]
            return Drained(events / spent_s, used_us[0], used_us[1], peak_mb(pids[0]))
        finally:
            gateway.end(signal.SIGTERM)


def when(gateway: Gateway, messages: int) -> float:
    """The time at which the gateway had moved this many messages, about 20 ms late at most. It is
    asked less often while much is left: each answer costs it a millisecond or two.
    """
    began_s: float | None = None
    while gateway.process is not None and gateway.process.poll() is None:
        status, text = gateway.get("/metrics")
        now_s, left_s = time.perf_counter(), 0.0
        if status == 200:
            values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
            received = float(values["smartbin_gateway_messages_received_total"])
            waiting = float(values["smartbin_gateway_batch_messages"])
            if received >= messages and (messages == 1 or not waiting):
                return now_s
            if received:
                began_s = began_s or now_s
                left_s = (now_s - began_s) * (messages - received) / received
        time.sleep(min(max(left_s / 2, 0.02), 0.5))
    raise AssertionError(f"the gateway ended:\n{gateway.log()}")


def peak_mb(pid: int) -> float:
    """The most resident memory the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
