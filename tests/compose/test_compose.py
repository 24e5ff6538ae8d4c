"""``docker compose up`` from nothing to a figure over HTTPS, through kills and restarts, and down.

Everything runs as it ships, on a container engine: the broker with TLS and one credential a
device, InfluxDB 2, PostgreSQL, the gateway, the API.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from smartbin.core import calendar
from tests.compose.device import Device
from tests.compose.stack import Stack
from tests.real import patient_s, until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(patient_s(1500))]
ZONE = ZoneInfo("Asia/Shanghai")
SENDERS = ("bin-001", "bin-002", "bin-003")
# A private key's line as openssl writes it, put together so that this file holds none.
KEY_LINES = [f"-----BEGIN {kind}PRIVATE KEY-----" for kind in ("", "EC ", "RSA ")]
TOKEN = ("smartbin", "token", "create", "--role", "office", "--name", "test")
TOOLS = ("--profile", "tools", "run", "--rm", "-T", "tools", "smartbin")
# All goes at once, so a gateway's last look for stores that are gone is not waited for.
DOWN = (*("--profile", "demo", "--profile", "tools"), "down", "-v", "-t", "2", "--remove-orphans")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("compose"))
    stack.run("build", "gateway", within_s=900)
    try:
        yield stack
    finally:
        stack.run(*DOWN, check=False)


def yesterday() -> tuple[str, int]:
    """The day, and its noon."""
    moment = datetime.now(UTC).astimezone(ZONE) - timedelta(days=1)
    noon = moment.replace(hour=12, minute=0, second=0, microsecond=0)
    return moment.date().isoformat(), calendar.to_us(noon)


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
    day, noon_us = yesterday()
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
            "exec", "-T", "gateway", "smartbin", "gateway", "--print-config"
        ),
        "the API's settings": stack.run("exec", "-T", "api", "smartbin", "api", "--print-config"),
        "the environment": stack.run("exec", "-T", "gateway", "env"),
    }
    assert "********" in shown["the gateway's settings"]
    values = stack.secret_values()
    for where, text in shown.items():
        assert text.strip(), where
        found = [value[:4] for value in values if value in text]
        assert found == [], f"{where} holds {len(found)} secrets"


def test_no_secret_is_in_the_image(stack: Stack) -> None:
    """Whatever a layer held would stand in its files. What is looked for is itself found where it
    is put, so the look would find it elsewhere.
    """
    sought = "\n".join([*stack.secret_values(), *KEY_LINES])
    look = (
        "cat > /tmp/sought; cd /; grep -rIlF -f /tmp/sought srv opt home root etc var tmp "
        "usr/local 2>/dev/null; ls /srv/deploy/secrets 2>/dev/null; echo looked"
    )
    found = stack.run(
        *("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "gateway", "-c", look),
        said=sought,
    ).splitlines()
    assert "looked" in found
    places = ("srv/", "opt/", "home/", "root/", "etc/", "var/", "tmp/", "usr/")
    assert [line for line in found if line.startswith(places)] == ["tmp/sought"]


def test_programs_run_without_rights(stack: Stack) -> None:
    look = "id -u; grep CapEff /proc/1/status; touch /srv/x /opt/smartbin/x; echo done"
    for service, user in (("gateway", "10001"), ("api", "10002")):
        said = stack.run("exec", "-T", service, "sh", "-c", look)
        assert said.startswith(user) or f"\n{user}\n" in said
        assert "0000000000000000" in said
        assert said.count("Read-only file system") == 2
    denied = stack.run("exec", "-T", "api", "sh", "-c", "cat var/tokens/writer; echo done")
    assert "Permission denied" in denied, "the API cannot read the token that writes"


def test_two_gateways_share_a_fleet_of_fifty_one_devices(stack: Stack) -> None:
    """What docs/scaling.md tells to type, before the simulated fleet of the profile ``demo``."""
    with (stack.folder / ".env").open("a") as file:
        file.write("MQTT_SHARE=all\n")
    stack.run("--profile", "demo", "up", "-d", "--scale", "gateway=2")
    (token,) = re.findall(r"^[\w-]{30,}$", stack.run("exec", "-T", "api", *TOKEN), re.M)

    def online() -> int:
        status, answer = stack.get("/api/v1/devices", token)
        return sum(d["state"] == "online" for d in answer["devices"]) if status == 200 else -1

    until(lambda: online() == 51, "all 51 devices are heard", 180)
    log = stack.run("logs", "gateway", check=False)
    assert "subscribed to $share/all/smartbin/v1/xinbei/+/+" in log
    clients = stack.run("logs", "mosquitto", check=False)
    for name in ("smartbin-gateway-1", "smartbin-gateway-2", "point-12"):
        assert f" as {name} " in clients


def test_a_backup_put_into_a_new_system_gives_the_same_figures(stack: Stack) -> None:
    """What docs/operations.md tells to type."""
    day, noon_us = yesterday()
    until(lambda: counted(stack, day) >= 0, "the API answers", 60)
    before = counted(stack, day)
    device = Device(stack, "bin-004", noon_us)
    until(lambda: device.sent >= 50, "deposits are made")
    device.end()
    whole = before + device.sent
    until(lambda: counted(stack, day) == whole, f"{whole} are counted", 60)
    (stack.folder / "backups").mkdir(mode=0o777)
    (stack.folder / "backups").chmod(0o777)
    said = stack.run(*TOOLS, "backup", "backups/today")
    assert "backups/today: complete" in said
    stack.run(*DOWN)
    stack.run("up", "-d", "influxdb", "postgres")
    stack.run(*TOOLS, "setup")
    stack.run(*TOOLS, "restore", "backups/today")
    stack.run("up", "-d")
    until(lambda: counted(stack, day) == whole, f"{whole} are counted again", 180)
