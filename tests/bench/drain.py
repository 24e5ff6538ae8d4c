"""How quickly a stored backlog is drained: the gateway's own process into SQLite, against a bare
paho subscriber that only acknowledges the same backlog.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from smartbin.events import Deposit, Judge, Verdict
from smartbin.registry.load import load
from smartbin.wire import batch_of, event_of, payload_of, topic_of
from tests.bench.result import Result
from tests.broker.devices import publishing
from tests.real import ROOT, Mosquitto, free_port, until

SINGLES = 50_000
BATCHES, BATCH = 4_000, 50
START_US = 1_780_000_000_000_000
Messages = list[tuple[str, bytes]]


def measures() -> Iterator[Result]:
    """The drains, and their ratios."""
    singles, batches = single_messages(SINGLES), batch_messages(BATCHES)
    bare, one, many = [], [], []
    for _ in range(3):
        bare.append(SINGLES / drained_bare(singles))
        seconds, memory_mb = drained(singles)
        one.append(SINGLES / seconds)
        many.append(BATCHES * BATCH / drained(batches)[0])
    yield Result("bare paho subscriber", best(bare), "msg/s")
    yield Result("gateway, single messages", best(one), "msg/s")
    yield Result("gateway / bare paho", best(one) / best(bare), "x", 1.1)
    yield Result("gateway, batches of 50", best(many), "events/s")
    yield Result("batches of 50 / single", best(many) / best(one), "x", 5.0)
    million, memory_mb = drained(single_messages(backlog()))
    yield Result(
        "gateway's memory under a backlog",
        memory_mb,
        "MB",
        120,
        at_most=True,
        how=f"{backlog():,} messages, {backlog() / million:,.0f}/s",
    )


def backlog() -> int:
    """How many messages memory is measured under."""
    return int(os.environ.get("SMARTBIN_BENCH_BACKLOG", "1000000"))


def best(rates: list[float]) -> float:
    """The median of three."""
    return sorted(rates)[len(rates) // 2]


def deposits(number: int) -> Iterator[Deposit]:
    """Deposits of the site's bins, each device with its own counter."""
    registry = load(ROOT / "deploy/xinbei")
    chance = random.Random(7)
    doors = [
        (device, door.id)
        for device in registry.devices
        for door in registry.doors_of_device(device)
    ]
    for n in range(number):
        device, door = doors[n % len(doors)]
        yield Deposit(
            device,
            door,
            START_US + n * 20_000_000 // 1000 * 1000 + n % 1000,
            chance.randrange(50, 3000),
            Verdict.CORRECT,
            Judge.CAMERA,
            None,
            f"K{chance.randrange(5000):06d}",
            n,
        )


def single_messages(number: int) -> Messages:
    """One deposit a message."""
    return [
        (topic_of("xinbei", d.device, "deposit"), payload_of(event_of([d])))
        for d in deposits(number)
    ]


def batch_messages(number: int) -> Messages:
    """Fifty deposits of one device a message."""
    waiting: dict[str, list[Deposit]] = {}
    messages: Messages = []
    for d in deposits(number * BATCH * 2):
        mine = waiting.setdefault(d.device, [])
        mine.append(d)
        if len(mine) == BATCH:
            body = batch_of([("deposit", event_of([x])) for x in mine])
            messages.append((topic_of("xinbei", d.device, "batch"), body))
            mine.clear()
        if len(messages) == number:
            break
    return messages


@contextlib.contextmanager
def stored(messages: Messages, client_id: str) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker that holds the messages for an absent client."""
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        broker = Mosquitto(Path(name) / "mosquitto")
        broker.start()
        try:
            client = paho.Client(
                CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False
            )
            granted: list[int] = []
            client.on_subscribe = lambda *_: granted.append(1)
            client.connect("127.0.0.1", broker.port)
            client.subscribe("smartbin/v1/xinbei/+/+", 1)
            until(lambda: bool(client.loop(0.1) or granted), "subscribed")
            client.disconnect()
            with publishing(broker) as devices:
                devices.send(messages)
            yield broker, Path(name)
        finally:
            broker.stop()


def drained_bare(messages: Messages) -> float:
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


def drained(messages: Messages) -> tuple[float, float]:
    """Seconds from the gateway's first message to its last one acknowledged, and its peak memory
    in MB.
    """
    with stored(messages, "smartbin-gateway") as (broker, folder):
        port = free_port()
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SMARTBIN_SITE": str(ROOT / "deploy/xinbei"),
            "SMARTBIN_MQTT_URL": broker.url,
            "SMARTBIN_TELEMETRY_URL": f"sqlite:///{folder}/telemetry.db",
            "SMARTBIN_RECORDS_URL": f"sqlite:///{folder}/records.db",
            "SMARTBIN_QUARANTINE": str(folder / "quarantine"),
            "SMARTBIN_GATEWAY_HTTP": f"127.0.0.1:{port}",
        }
        process = subprocess.Popen([sys.executable, "-m", "gateway"], env=environment)
        try:
            started_s = when(process, port, 1)
            spent_s = when(process, port, len(messages)) - started_s
            return spent_s, peak_mb(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def when(process: subprocess.Popen[bytes], port: int, messages: int) -> float:
    """The time at which the gateway had moved so many messages, about 20 ms late at most."""
    while process.poll() is None:
        with contextlib.suppress(OSError):
            text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
            values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
            received = float(values["smartbin_gateway_messages_received_total"])
            waiting = float(values["smartbin_gateway_batch_messages"])
            if received >= messages and (messages == 1 or not waiting):
                return time.perf_counter()
        time.sleep(0.02)
    raise AssertionError(f"the gateway ended with status {process.returncode}")


def peak_mb(pid: int) -> float:
    """The most resident memory the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
