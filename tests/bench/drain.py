"""How quickly a stored backlog is drained: the gateway's own process into SQLite, against a bare
paho subscriber that only acknowledges the same backlog.
"""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench.backlog import BATCH, Message, batch_messages, single_messages, stored
from tests.bench.result import Result
from tests.broker.process import Gateway

SINGLES = 50_000
BATCHES = 4_000
ROUNDS = 3


def measures() -> Iterator[Result]:
    """The drains, and their ratios: in each round one after the other, the median of the rounds."""
    singles, batches = list(single_messages(SINGLES)), list(batch_messages(BATCHES))
    bare, one, many = [], [], []
    for _ in range(ROUNDS):
        bare.append(SINGLES / drained_bare(singles))
        one.append(SINGLES / drained(singles, SINGLES)[0])
        many.append(BATCHES * BATCH / drained(batches, BATCHES)[0])
    yield Result("bare paho subscriber", statistics.median(bare), "msg/s")
    yield Result("gateway, single messages", statistics.median(one), "msg/s")
    yield Result("gateway / bare paho", ratio(one, bare), "x", 1.1)
    yield Result("gateway, batches of 50", statistics.median(many), "events/s")
    yield Result("batches of 50 / single", ratio(many, one), "x", 5.0)


def ratio(rates: Sequence[float], base: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows the machine for a while slows both."""
    return statistics.median(a / b for a, b in zip(rates, base, strict=True))


def drained_bare(messages: Sequence[Message]) -> float:
    """Seconds that paho needs to receive and acknowledge all."""
    with stored(messages, "bare") as (broker, _):
        left = len(messages)

        def arrived(*_: object) -> None:
            nonlocal left
            left -= 1

        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bare", clean_session=False)
        client.on_message = arrived
        started_s = time.perf_counter()
        client.connect("127.0.0.1", broker.port)
        while left:
            client.loop(1)
        spent_s = time.perf_counter() - started_s
        client.disconnect()
        return spent_s


def drained(messages: Iterable[Message], number: int) -> tuple[float, float]:
    """Seconds from the gateway's first message to its last one acknowledged, and its peak memory
    in MB.
    """
    with stored(messages, "smartbin-gateway") as (broker, folder):
        gateway = Gateway(folder, broker)
        gateway.start()
        assert gateway.process is not None
        try:
            started_s = when(gateway, 1)
            spent_s = when(gateway, number) - started_s
            return spent_s, peak_mb(gateway.process.pid)
        finally:
            gateway.end(signal.SIGTERM)


def when(gateway: Gateway, messages: int) -> float:
    """The time at which the gateway had moved so many messages, about 20 ms late at most."""
    while gateway.process is not None and gateway.process.poll() is None:
        status, text = gateway.get("/metrics")
        if status == 200:
            values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
            received = float(values["smartbin_gateway_messages_received_total"])
            waiting = float(values["smartbin_gateway_batch_messages"])
            if received >= messages and (messages == 1 or not waiting):
                return time.perf_counter()
        time.sleep(0.02)
    raise AssertionError(f"the gateway ended:\n{gateway.log()}")


def peak_mb(pid: int) -> float:
    """The most resident memory the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
