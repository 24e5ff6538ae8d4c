"""Several gateways share the work, one is taken away: nothing lost, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from gateway.partitioning import (
    SLOT,
    devices_of,
    filters_of,
    left_out,
    parts_command,
    take_client_id,
)
from smartbin.core.errors import BadInput
from smartbin.facts.events import Deposit
from smartbin.facts.wire import event_of, payload_of, topic_of
from smartbin.places.load import load
from tests.broker.devices import publishing
from tests.broker.process import SITE, Gateway
from tests.real import Mosquitto, free_port, until

START_US = 1_780_000_000_000_000
DEVICES = list(load(SITE).devices)


def deposits(first: int, number: int) -> list[tuple[str, bytes]]:
    made = []
    for n in range(first, first + number):
        device = DEVICES[n % len(DEVICES)]
        fact = Deposit(device, "kitchen", START_US + n * 1000 + n % 1000, 100, seq=n)
        made.append((topic_of("xinbei", device, "deposit"), payload_of(event_of([fact]))))
    return made


def stored(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "telemetry.db", timeout=10)) as db:
        return int(db.execute("SELECT count(*) FROM deposit").fetchone()[0])


def received(gateway: Gateway) -> int:
    for line in gateway.get("/metrics")[1].splitlines():
        if line.startswith("smartbin_gateway_messages_received_total"):
            return int(float(line.split()[1]))
    return 0


def ready(gateway: Gateway) -> None:
    until(lambda: gateway.get("/readyz")[0] == 200, f"ready; {gateway.log()[-1500:]}", 60)


def session_is_kept(broker: Mosquitto, client_id: str) -> bool:
    """Whether the broker keeps a session for this client id; takes nothing out of it."""
    found: list[bool] = []
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id, clean_session=False, manual_ack=True
    )
    client.on_connect = lambda _c, _d, flags, *_: found.append(flags.session_present)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    until(lambda: bool(found), "the broker answers")
    client.disconnect()
    client.loop_stop()
    return found[0]


@pytest.fixture
def gateways(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[list[Gateway]]:
    pair = [Gateway(tmp_path, mosquitto), Gateway(tmp_path, mosquitto)]
    yield pair
    for gateway in pair:
        if gateway.process is not None and gateway.process.poll() is None:
            gateway.end(signal.SIGKILL)


def draining(gateway: Gateway, client_id: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "drain", client_id],
        env={**os.environ, **gateway.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.real
def test_a_gateway_taken_away_loses_nothing_and_leaves_nothing(
    mosquitto: Mosquitto, gateways: list[Gateway], tmp_path: Path
) -> None:
    one, two = gateways
    for gateway in gateways:
        gateway.settings = {
            "SMARTBIN_MQTT_SHARE": "all",
            "SMARTBIN_MQTT_CLIENT_ID": f"gateway-{SLOT}",
        }
        gateway.start()
        ready(gateway)
    with publishing(mosquitto) as devices:
        devices.send(deposits(0, 3000))
        until(lambda: stored(tmp_path) == 3000, "both store", 60)
        assert received(one) > 0, "both took a share"
        assert received(two) > 0, "both took a share"
        assert two.end(signal.SIGKILL) == -signal.SIGKILL
        devices.send(deposits(3000, 3000))
        until(lambda: "batch_messages 0.0" in one.get("/metrics")[1], "one has done its share")
        assert stored(tmp_path) < 6000, "the other's share waits in its session"
        assert session_is_kept(mosquitto, "gateway-2")
        with draining(two, "gateway-2") as drain:
            sent = 6000
            while drain.poll() is None:  # the fleet does not wait for us
                assert sent < 60_000, "the drain never ends"
                devices.send(deposits(sent, 10))
                sent += 10
            assert drain.stdout is not None
            assert "nothing is left behind" in drain.stdout.read()
        assert drain.returncode == 0
        until(lambda: stored(tmp_path) == sent, f"all are stored, not {stored(tmp_path)}")
        assert not session_is_kept(mosquitto, "gateway-2")
        before = received(one)
        devices.send(deposits(sent, 500))
        until(lambda: stored(tmp_path) == sent + 500, "the one that stays hears all", 60)
        assert received(one) - before == 500


@pytest.mark.real
@pytest.mark.parametrize(
    ("away", "said"), [("broker", "cannot reach the broker"), ("store", "trying again")]
)
def test_a_drain_that_is_stopped_says_to_run_it_again(
    away: str, said: str, mosquitto: Mosquitto, gateways: list[Gateway]
) -> None:
    gateway = gateways[0]
    if away == "broker":
        mosquitto.stop()
    else:
        nowhere = f"influx+http://127.0.0.1:{free_port()}/?org=o&bucket=b"
        gateway.settings = {
            "SMARTBIN_TELEMETRY_URL": nowhere,
            "SMARTBIN_TELEMETRY_TOKEN": "token",
        }
    with draining(gateway, "gateway-2") as drain:
        assert drain.stderr is not None
        assert any(said in line for line in drain.stderr), "it waits"
        drain.send_signal(signal.SIGTERM)
        assert "gateway-2: not drained to the end; run it again" in drain.stderr.read()
    assert drain.returncode == 1


@pytest.mark.real
def test_a_replica_that_died_is_followed_under_its_own_name(
    mosquitto: Mosquitto, gateways: list[Gateway], tmp_path: Path
) -> None:
    one, two = gateways
    for gateway in gateways:
        gateway.settings = {
            "SMARTBIN_MQTT_SHARE": "all",
            "SMARTBIN_MQTT_CLIENT_ID": f"gateway-{SLOT}",
        }
        gateway.start()
        ready(gateway)
    one.end(signal.SIGKILL)
    with publishing(mosquitto) as devices:
        devices.send(deposits(0, 400))
    until(lambda: "batch_messages 0.0" in two.get("/metrics")[1], "two has done its share")
    assert stored(tmp_path) < 400
    one.start()  # whichever container it is now
    until(lambda: stored(tmp_path) == 400, "the session of slot 1 was found again", 60)


@pytest.mark.real
def test_parts_divide_the_devices(
    mosquitto: Mosquitto, gateways: list[Gateway], tmp_path: Path
) -> None:
    for number, gateway in enumerate(gateways, 1):
        gateway.settings = {
            "SMARTBIN_MQTT_PART": f"{number}/2",
            "SMARTBIN_MQTT_CLIENT_ID": f"gateway-{number}",
        }
        gateway.start()
        ready(gateway)
    with publishing(mosquitto) as devices:
        devices.send(deposits(0, 2000))
    until(lambda: stored(tmp_path) == 2000, "all are stored", 60)
    for number, gateway in enumerate(gateways, 1):
        mine = set(devices_of(f"{number}/2", DEVICES))
        assert received(gateway) == sum(DEVICES[n % len(DEVICES)] in mine for n in range(2000))


@given(st.sets(st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1)), st.integers(1, 9))
def test_every_device_is_in_exactly_one_part(devices: set[str], count: int) -> None:
    parts = []
    for number in range(1, count + 1):
        with contextlib.suppress(BadInput):  # an empty part
            parts.append(devices_of(f"{number}/{count}", devices))
    assert sorted(device for part in parts for device in part) == sorted(devices)


def test_a_new_device_moves_no_other_and_who_is_left_out_is_said() -> None:
    for part in ("1/3", "2/3", "3/3"):
        assert set(devices_of(part, DEVICES)) == set(devices_of(part, [*DEVICES, "bin-new"])) - {
            "bin-new"
        }
    assert left_out(["1/2", "2/2"], DEVICES) == []
    assert left_out(["1/2"], DEVICES) == devices_of("2/2", DEVICES)
    assert parts_command(["1/2", "2/2"], DEVICES)[1] == 0
    text, status = parts_command(["1/3", "3/3"], DEVICES)
    assert status == 1
    assert devices_of("2/3", DEVICES)[0] in text


@pytest.mark.parametrize("part", ["2", "0/2", "3/2", "1/0", "x/y", "1/1000", "1/60"])
def test_a_part_that_is_none_is_refused(part: str) -> None:
    with pytest.raises(BadInput, match="SMARTBIN_MQTT_PART"):
        filters_of("xinbei", part=part, devices=["bin-001"])


def test_sharing_and_dividing_exclude_each_other() -> None:
    with pytest.raises(BadInput, match="SMARTBIN_MQTT_PART"):
        filters_of("xinbei", "group", "1/2", DEVICES)


def test_slots_are_taken_in_turn_and_given_back(tmp_path: Path) -> None:
    with contextlib.ExitStack() as first:
        assert take_client_id("plain", tmp_path, first) == "plain"
        assert take_client_id(f"g-{SLOT}", tmp_path, first) == "g-1"
        with contextlib.ExitStack() as second:
            assert take_client_id(f"g-{SLOT}", tmp_path, second) == "g-2"
            first.close()
            with contextlib.ExitStack() as third:
                assert take_client_id(f"g-{SLOT}", tmp_path, third) == "g-1"
