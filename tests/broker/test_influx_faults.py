"""The gateway before a real InfluxDB that is killed, stopped, busy, or refuses the token: nothing
is lost, nothing is counted twice, and /readyz says what to do.

SMARTBIN_TEST_INFLUX_DEPOSITS sets how many deposits, SMARTBIN_TEST_INFLUX_STOP_S how long InfluxDB
is stopped; .ci/run asks for 100,000 and 30 s.
"""

from __future__ import annotations

import functools
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from influxdb_client.client.write_api import SYNCHRONOUS

from smartbin.core.calendar import Days, day_of
from smartbin.core.errors import StoreUnavailable
from smartbin.facts.events import Deposit, DoorKey, Item, Span
from smartbin.facts.wire import batch_of, event_of, topic_of
from smartbin.places.load import load
from smartbin.quarantine.store import Quarantine
from smartbin.telemetry import DoorTotals, TelemetryReader, open_reader, setup
from tests.broker.devices import publishing
from tests.broker.faulty import Relay
from tests.broker.process import SITE, Gateway
from tests.broker.test_kill import START_US, deposits, single
from tests.influx import Influxd, influxd
from tests.places.small import SHANGHAI
from tests.real import Mosquitto, patient_s, until

pytestmark = pytest.mark.real
DEPOSITS = int(os.environ.get("SMARTBIN_TEST_INFLUX_DEPOSITS", "11000"))
STOPPED_S = float(os.environ.get("SMARTBIN_TEST_INFLUX_STOP_S", "12"))
FAULTS = ["kill", "gateway", "gateway", "503", "kill", "gateway", "stop", "gateway", "kill"]
FAULTS.append("gateway")  # three times InfluxDB, five times the gateway


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Influxd]:
    with influxd(tmp_path / "influxd") as own:
        yield own


@pytest.fixture
def url(server: Influxd) -> str:
    made = server.url_of("smartbin")
    list(setup(made, server.token, 0))
    return made


@pytest.fixture
def reader(server: Influxd, url: str) -> Iterator[TelemetryReader]:
    opened = open_reader(url, SHANGHAI, server.token)
    yield opened
    opened.close()


@pytest.fixture
def gateway(mosquitto: Mosquitto, server: Influxd, url: str, tmp_path: Path) -> Iterator[Gateway]:
    secret = tmp_path / "token"
    secret.write_text(f"{server.token}\n")
    made = Gateway(tmp_path, mosquitto)
    made.settings = {
        "SMARTBIN_TELEMETRY_URL": url,
        "SMARTBIN_TELEMETRY_TOKEN_FILE": str(secret),
    }
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGKILL)


def spans() -> list[Span]:
    registry = load(SITE)
    days = Days(day_of(START_US, SHANGHAI), day_of(START_US + 10**12, SHANGHAI))
    return [
        Span(door.key, days)
        for device in registry.devices
        for door in registry.doors_of_device(device)
    ]


def stored(reader: TelemetryReader) -> int:
    """How many deposits InfluxDB has; -1 while it does not answer."""
    with suppress(StoreUnavailable):
        return sum(t.deposits for t in reader.deposit_totals(spans(), by_day=False))
    return -1


def has_stored(reader: TelemetryReader, goal: int) -> bool:
    return stored(reader) >= goal


def wanted(sent: list[Deposit]) -> set[DoorTotals]:
    """The totals of each door and day."""
    counts: Counter[tuple[DoorKey, int]] = Counter()
    weights_g: Counter[tuple[DoorKey, int]] = Counter()
    for d in sent:
        slot = DoorKey(d.device, d.door), day_of(d.at_us, SHANGHAI).toordinal()
        counts[slot] += 1
        weights_g[slot] += d.weight_g
    return {
        DoorTotals(
            door, type(spans()[0].days.first).fromordinal(day), n, weights_g[door, day], 0, 0
        )
        for (door, day), n in counts.items()
    }


def wait_s(seconds: float) -> None:
    """Let a fault last: time itself is what is waited for."""
    deadline_s = time.monotonic() + seconds
    until(lambda: time.monotonic() >= deadline_s, "time passes", seconds + 5)


def test_whatever_happens_to_influxdb_nothing_is_lost_and_nothing_counts_twice(
    gateway: Gateway,
    mosquitto: Mosquitto,
    server: Influxd,
    url: str,
    reader: TelemetryReader,
    tmp_path: Path,
) -> None:
    chance = random.Random(4)
    sent = deposits(DEPOSITS, chance)
    relay = Relay(server.port)
    gateway.settings["SMARTBIN_TELEMETRY_URL"] = url.replace(f":{server.port}/", f":{relay.port}/")
    gateway.start()
    until(lambda: gateway.get("/readyz")[0] == 200, "the gateway subscribes")
    share = DEPOSITS // (len(FAULTS) + 1)
    order = list(sent)
    chance.shuffle(order)
    for n, fault in enumerate(FAULTS):
        part = [single(d) for d in order[n * share : (n + 1) * share]]
        part += chance.choices(part, k=len(part) // 10)
        until(functools.partial(has_stored, reader, n * share), f"{n}: all so far", 90)
        before = stored(reader)

        def publish(messages: list[tuple[str, bytes]] = part) -> None:
            with publishing(mosquitto, "devices") as devices:
                devices.send(messages)

        if fault == "503":
            relay.fail()
        publisher = threading.Thread(target=publish)
        publisher.start()
        if fault != "503":
            goal = before + share // 4
            until(functools.partial(has_stored, reader, goal), f"{n}: some are stored", 60)
        if fault == "kill":
            server.end(signal.SIGKILL)
            wait_s(1)
            server.start()
        elif fault == "gateway":
            assert gateway.end(signal.SIGKILL) == -signal.SIGKILL
            gateway.start()
        elif fault == "503":
            until(lambda: relay.refused >= 3, "503 was answered", 60)
            relay.mend()
        else:
            assert server.process is not None
            server.process.send_signal(signal.SIGSTOP)
            wait_s(STOPPED_S)
            server.process.send_signal(signal.SIGCONT)
        publisher.join(patient_s(120))
        assert not publisher.is_alive()
    with publishing(mosquitto) as devices:
        devices.send([single(d) for d in order[len(FAULTS) * share :]])
    until(lambda: stored(reader) >= DEPOSITS, "all are stored", 120)
    until(lambda: "batch_messages 0.0" in gateway.get("/metrics")[1], "nothing is in hand", 60)
    assert gateway.end(signal.SIGTERM) == 0
    relay.close()
    assert set(reader.deposit_totals(spans(), by_day=True)) == wanted(sent)
    with closing(sqlite3.connect(tmp_path / "records.db")) as db:
        kept = db.execute("SELECT count(*), sum(weight_g) FROM deposit_line").fetchone()
    lines = [d for d in sent if d.account]
    assert kept == (len(lines), sum(d.weight_g for d in lines))
    assert not list(Quarantine(tmp_path / "quarantine"))


def test_one_poison_among_five_thousand_is_quarantined_alone(
    gateway: Gateway,
    mosquitto: Mosquitto,
    server: Influxd,
    reader: TelemetryReader,
    tmp_path: Path,
) -> None:
    """Another program wrote a field with another type: InfluxDB refuses that point."""
    with server.client() as client:
        line = f'deposit,device=old,door=kitchen paper_g="heavy" {START_US}'
        client.write_api(SYNCHRONOUS).write("smartbin", record=line, write_precision="us")
    sent = [
        Deposit("bin-001", "kitchen", START_US + n * 1000 + n % 1000, 100, seq=n, account="K1")
        for n in range(5000)
    ]
    sent[3210] = Deposit(
        "bin-001", "kitchen", sent[3210].at_us, 100, item=Item.PAPER, seq=3210, account="K1"
    )
    events = [("deposit", event_of([d])) for d in sent]
    topic = topic_of("xinbei", "bin-001", "batch")
    gateway.start()
    until(lambda: gateway.get("/readyz")[0] == 200, "the gateway subscribes")
    with publishing(mosquitto) as devices:
        devices.send([(topic, batch_of(events[n : n + 100])) for n in range(0, 5000, 100)])
    until(lambda: stored(reader) >= 4999, "4,999 are stored", 60)
    shelf = Quarantine(tmp_path / "quarantine")
    until(lambda: len(list(shelf)) >= 1, "the poison is in quarantine")
    until(lambda: "batch_messages 0.0" in gateway.get("/metrics")[1], "nothing is in hand", 60)
    assert gateway.end(signal.SIGTERM) == 0
    assert stored(reader) == 4999
    (kept,) = list(shelf)
    assert kept.rejected.reason == "store_refused"
    assert 'field type conflict: input field "paper_g"' in kept.rejected.detail
    with closing(sqlite3.connect(tmp_path / "records.db")) as db:
        assert db.execute("SELECT count(*) FROM deposit_line").fetchone() == (4999,)


@pytest.mark.parametrize("moment", ["at the start", "later"])
def test_a_wrong_token_loses_nothing_and_once_mended_it_goes_on_by_itself(
    moment: str,
    gateway: Gateway,
    mosquitto: Mosquitto,
    server: Influxd,
    url: str,
    reader: TelemetryReader,
    tmp_path: Path,
) -> None:
    list(setup(url, server.token, None, tmp_path / "tokens"))
    secret = Path(gateway.settings["SMARTBIN_TELEMETRY_TOKEN_FILE"])
    right = (tmp_path / "tokens/writer").read_text()
    secret.write_text("wrong\n" if moment == "at the start" else right)
    gateway.start()
    if moment == "later":
        until(lambda: gateway.get("/readyz")[0] == 200, "ready")
        with server.client() as client:
            tokens = client.authorizations_api()
            for one in tokens.find_authorizations():
                if len(one.permissions) == 2:
                    tokens.delete_authorization(one)
        right = server.token
        with publishing(mosquitto) as devices:
            devices.send([single(d) for d in deposits(50, random.Random(1))])
    until(lambda: "SMARTBIN_TELEMETRY_TOKEN" in gateway.get("/readyz")[1], "red, and why", 40)
    assert gateway.get("/readyz")[0] == 503
    secret.write_text(right)
    until(lambda: gateway.get("/readyz")[0] == 200, "green by itself", 60)
    if moment == "at the start":
        with publishing(mosquitto) as devices:
            devices.send([single(d) for d in deposits(50, random.Random(1))])
    until(lambda: stored(reader) == 50, "stored", 60)
    assert gateway.end(signal.SIGTERM) == 0
