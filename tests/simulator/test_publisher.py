"""The fleet publishes as real devices do: each over a connection of its own, with its own right."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator import run
from simulator.broker import BrokerConnection, BrokerLost
from simulator.fleet import Fleet
from simulator.publisher import Publisher
from smartbin.core import calendar
from smartbin.core.errors import BadInput
from smartbin.operator.provision import Provision
from smartbin.places import Registry
from smartbin.places.load import load
from tests.broker.secured import Connection, SecuredBroker
from tests.real import ROOT, Mosquitto, free_port, until

pytestmark = pytest.mark.real
NOW_US = calendar.to_us(datetime(2026, 11, 24, tzinfo=UTC))
SITE = load(ROOT / "deploy/xinbei")


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[SecuredBroker]:
    broker = SecuredBroker(tmp_path)
    files = Provision(broker.secrets / "passwords", broker.secrets / "devices.csv")
    files.make(SITE.devices)
    files.user("gateway", "the-gateways-own")
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def address(broker: SecuredBroker, credentials: Path | None = None) -> BrokerConnection:
    url = f"mqtts://127.0.0.1:{broker.devices_port}"
    table = credentials or broker.secrets / "devices.csv"
    return BrokerConnection.parse(url, "", broker.secrets / "ca.crt", table)


def topic(device: str, kind: str, registry: Registry = SITE) -> str:
    return f"smartbin/v1/{registry.site.id}/{device}/{kind}"


def test_every_device_publishes_with_its_own_credential(secured: SecuredBroker) -> None:
    gateway = secured.client("gateway", "the-gateways-own", secured.gateways_port, "gateway-1")
    with gateway:
        gateway.listen("smartbin/v1/xinbei/+/+")
        with run.devices(
            address(secured), Fleet(SITE, 1), lambda: calendar.to_us(datetime.now(UTC))
        ) as publisher:
            for device in SITE.devices:
                publisher.publish(topic(device, "fill"), device.encode())
            publisher.drain()
            assert publisher.acknowledged == publisher.published == 2 * 51, "a birth and a message"
            wanted = {(topic(d, "fill"), d.encode()) for d in SITE.devices}
            until(lambda: wanted <= set(gateway.heard), "all 51 are heard")
        for device in SITE.devices:
            said = [json.loads(m) for t, m in gateway.heard if t == topic(device, "status")]
            assert said[0]["state"] == "online"
        gone = [(topic(d, "status"), b'{"state":"offline"}') for d in SITE.devices]
        until(lambda: set(gone) <= set(gateway.heard), "all say that they go")
        assert "as bin-007 (p2, c1, k60, u'bin-007')" in secured.log


def test_what_was_buffered_goes_over_the_devices_own_connections(secured: SecuredBroker) -> None:
    gateway = secured.client("gateway", "the-gateways-own", secured.gateways_port, "gateway-1")
    with gateway, run.buffered(address(secured), SITE.devices) as publisher:
        gateway.listen("smartbin/v1/xinbei/+/+")
        for n in range(700):
            publisher.publish(topic("bin-007", "batch"), b"%d" % n)
        publisher.drain()
        until(lambda: len(gateway.heard) == 700, "all are heard")
        assert [payload for _, payload in gateway.heard] == [b"%d" % n for n in range(700)]


def test_a_wrong_password_is_said(secured: SecuredBroker, tmp_path: Path) -> None:
    lines = (secured.secrets / "devices.csv").read_text().splitlines()
    wrong = [f"{line}x" if line.startswith("bin-007") else line for line in lines]
    table = tmp_path / "wrong.csv"
    table.write_text("\n".join(wrong))
    refused = "refuses bin-007 .Not authorized.* 'smartbin provision rotate"
    with pytest.raises(BadInput, match=refused):
        run.buffered(address(secured, table), SITE.devices)


def test_no_credential_and_no_trust_are_said(secured: SecuredBroker, tmp_path: Path) -> None:
    port = secured.devices_port
    nobody = BrokerConnection.parse(f"mqtts://127.0.0.1:{port}", "", secured.secrets / "ca.crt")
    with pytest.raises(BadInput, match="refuses a connection without a user"):
        run.buffered(nobody, SITE.devices)
    with pytest.raises(BadInput, match="SMARTBIN_MQTT_CA_FILE: cannot use"):
        run.buffered(
            BrokerConnection.parse(f"mqtts://127.0.0.1:{port}", "", tmp_path / "no"), SITE.devices
        )
    with pytest.raises(BadInput, match="no broker answers at 127"):
        run.buffered(BrokerConnection.parse(f"mqtt://127.0.0.1:{free_port()}"), SITE.devices)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_is_not_trusted_is_said(secured: SecuredBroker) -> None:
    stranger = BrokerConnection.parse(f"mqtts://127.0.0.1:{secured.devices_port}")
    with pytest.raises(BadInput, match=r"certificate verify failed.* SMARTBIN_MQTT_CA_FILE"):
        run.buffered(stranger, SITE.devices)
    gc.collect()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot read"),
        ("user,password\na,b\n", "is not a table device,username,password"),
        ("device,username,password\nbin-001,bin-001\n", "is not a table"),
        ("device,username,password\nbin-001,bin-001,x\n", "lacks bin-002 and 49 more"),
    ],
)
def test_a_table_without_all_devices_is_said(
    text: str | None, sentence: str, tmp_path: Path
) -> None:
    table = tmp_path / "devices.csv"
    if text:
        table.write_text(text)
    broker = BrokerConnection.parse("mqtt://127.0.0.1:1", "", None, table)
    with pytest.raises(
        BadInput, match=f"SMARTBIN_SIMULATOR_CREDENTIALS: .*{sentence}.*provision make"
    ):
        broker.logins(SITE.devices)


def test_a_fleet_that_is_killed_goes_offline_by_its_last_wills(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SMARTBIN_")}
    argv = [sys.executable, "-m", "simulator", "live"]
    fleet = subprocess.Popen(argv, env={**environ, "SMARTBIN_MQTT_URL": broker.url})
    try:
        with Connection(None, None, broker.port, "listener") as listener:
            listener.listen("smartbin/v1/xinbei/+/status")
            until(lambda: len({t for t, _ in listener.heard}) == 51, "all are born")
            fleet.send_signal(signal.SIGKILL)
            gone = {(topic(d, "status"), b'{"state":"offline"}') for d in SITE.devices}
            until(lambda: gone <= set(listener.heard), "the broker says that all are gone")
    finally:
        fleet.kill()
        fleet.wait()
        broker.stop()


def test_a_broker_that_restarts_gets_what_it_had_not_acknowledged(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    try:
        logins = BrokerConnection.parse(broker.url).logins(SITE.devices)
        with Publisher(BrokerConnection.parse(broker.url), logins) as publisher:
            for device in SITE.devices:
                publisher.publish(topic(device, "fill"), b"before")
            publisher.drain()
            broker.stop()
            for device in SITE.devices:
                publisher.publish(topic(device, "fill"), b"while away")
            broker.start()
            publisher.drain()
            assert publisher.acknowledged >= 2 * 51
    finally:
        broker.stop()


def test_what_a_broker_acknowledged_and_forgot_comes_again(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    where = BrokerConnection.parse(broker.url)
    devices = list(SITE.devices)[:20]
    said = {(topic(device, "status"), device.encode()) for device in devices}
    try:
        with Publisher(where, where.logins(devices)) as publisher:
            for one in said:
                publisher.publish(*one, retain=True)
            publisher.drain()
            broker.kill()
            broker.start()
            until(lambda: publisher.acknowledged == 2 * len(said), "all is said again", 30)
            with Connection(None, None, broker.port, "listener") as listener:
                listener.listen("smartbin/v1/xinbei/+/+")
                until(lambda: set(listener.heard) == said, "the broker knows it again")
            assert publisher.published == 2 * len(said), "each once"
    finally:
        broker.stop()


def test_silence_is_said_after_the_patience(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    try:
        where = BrokerConnection.parse(broker.url)
        with Publisher(where, [where.login("one")], patience_s=1.5) as publisher:
            broker.stop()
            publisher.publish(topic("bin-001", "fill"), b"{}")
            with pytest.raises(BrokerLost, match=r"no acknowledgement for 2 s: .*refused"):
                publisher.drain()
    finally:
        broker.stop()
