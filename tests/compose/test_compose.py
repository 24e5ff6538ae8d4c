"""``docker compose up`` from nothing to a figure over HTTPS, through kills and restarts, and down.

Everything runs as it ships, on a container engine: the broker with TLS and one credential a
device, InfluxDB 2, PostgreSQL, the gateway, the API.
"""

from __future__ import annotations

import functools
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from smartbin import calendar
from smartbin.events import Deposit
from smartbin.wire import event_of, payload_of, topic_of
from tests.compose.stack import Stack
from tests.real import until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1500)]
ZONE = ZoneInfo("Asia/Shanghai")
SENDERS = ("bin-001", "bin-002", "bin-003")
PAUSE_S = 0.02


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("compose"))
    stack.run("build", "gateway", within_s=900)
    try:
        yield stack
    finally:
        stack.run("down", "-v", check=False)


class Device:
    """Publishes deposits of a device without end, over TLS as itself; counts what the broker has
    acknowledged, and sends again what it has not.
    """

    def __init__(self, stack: Stack, device: str, start_us: int) -> None:
        self.device, self.sent, self.acknowledged = device, 0, 0
        self._start_us = start_us
        self._stop = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, device, clean_session=False)
        self._client.username_pw_set(device, stack.password(device))
        trusting = ssl.create_default_context(cafile=str(stack.secrets / "ca.crt"))
        self._client.tls_set_context(trusting)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_publish = self._on_publish
        self._client.connect_async("127.0.0.1", stack.mqtts_port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._publish)
        self._thread.start()

    def end(self) -> None:
        """Stop making deposits, and wait until the broker has acknowledged every one."""
        self._stop.set()
        self._thread.join(60)
        until(lambda: self.acknowledged >= self.sent, f"{self.device} is rid of all", 120)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self) -> None:
        while not self._stop.wait(PAUSE_S):
            at_us = self._start_us + self.sent * 1000 + self.sent % 1000
            fact = Deposit(self.device, "kitchen", at_us, 100, seq=self.sent)
            topic = topic_of("xinbei", self.device, "deposit")
            self._client.publish(topic, payload_of(event_of([fact])), 1)
            self.sent += 1

    def _on_publish(self, *_: object) -> None:
        self.acknowledged += 1


def counted(stack: Stack, day: str) -> int:
    """The site's deposits of a day, as the API says."""
    status, answer = stack.get(f"/api/v1/site/sorting?from={day}&to={day}")
    return int(answer["total"]["deposits"]) if status == 200 else -1


def is_more(stack: Stack, day: str, than: int) -> bool:
    return counted(stack, day) > than


def test_from_nothing_to_a_figure_and_through_every_restart(stack: Stack) -> None:
    began_s = time.monotonic()
    stack.run("up", "-d")
    until(lambda: stack.get("/readyz")[0] == 200, "the API is ready", 300)
    yesterday = datetime.now(UTC).astimezone(ZONE) - timedelta(days=1)
    noon_us = calendar.to_us(yesterday.replace(hour=12, minute=0, second=0, microsecond=0))
    day = yesterday.date().isoformat()
    devices = [Device(stack, name, noon_us) for name in SENDERS]
    try:
        until(lambda: counted(stack, day) > 0, "a figure stands in the API", 180)
        assert time.monotonic() - began_s < 300
        for disturb in (("kill", "-s", "KILL", "gateway"), ("restart", "influxdb"),
                        ("restart", "mosquitto"), ("restart", "postgres")):  # fmt: skip
            before = counted(stack, day)
            stack.run(*disturb)
            if disturb[0] == "kill":
                stack.run("start", "gateway")
            until(functools.partial(is_more, stack, day, before), f"on it goes: {disturb}", 180)
    finally:
        for device in devices:
            device.end()
    total = sum(device.sent for device in devices)
    until(lambda: counted(stack, day) == total, f"all {total} are counted", 120)
    assert total > 300


def test_no_secret_is_in_an_image_or_a_log_or_shown(stack: Stack) -> None:
    shown = {
        "the log": stack.run("logs", check=False),
        "the gateway's settings": stack.run(
            "exec", "-T", "gateway", "python", "-m", "gateway", "--print-config"
        ),
        "the API's settings": stack.run(
            "exec", "-T", "api", "python", "-m", "api", "--print-config"
        ),
        "the environment": stack.run("exec", "-T", "gateway", "env"),
    }
    assert "********" in shown["the gateway's settings"]
    values = stack.secret_values()
    for where, text in shown.items():
        assert text.strip(), where
        found = [value[:4] for value in values if value in text]
        assert found == [], f"{where} holds {len(found)} secrets"


def test_no_secret_is_in_the_image(stack: Stack) -> None:
    """Whatever a layer held would stand in its files, or in what was run to make it."""
    here = "python-is-here"
    sought = "\n".join([*stack.secret_values(), "-----BEGIN PRIVATE KEY"])
    look = (
        "cat > /tmp/sought; cd /; grep -rIlF -f /tmp/sought srv/var opt/smartbin home root etc "
        f"usr/local 2>/dev/null; ls /srv/deploy/secrets 2>/dev/null; python -c 'print(\"{here}\")'"
    )
    found = stack.run(
        *("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "gateway", "-c", look),
        said=sought,
    )
    assert here in found
    assert [line for line in found.splitlines() if line.startswith(("srv/", "opt/", "etc/"))] == []


def test_programs_run_without_rights(stack: Stack) -> None:
    look = "id -u; grep CapEff /proc/1/status; touch /srv/x /opt/smartbin/x; echo done"
    for service, user in (("gateway", "10001"), ("api", "10002")):
        said = stack.run("exec", "-T", service, "sh", "-c", look)
        assert said.startswith(user) or f"\n{user}\n" in said
        assert "0000000000000000" in said
        assert said.count("Read-only file system") == 2
    denied = stack.run("exec", "-T", "api", "sh", "-c", "cat var/tokens/writer; echo done")
    assert "Permission denied" in denied, "the API cannot read the token that writes"
