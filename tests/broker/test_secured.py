"""The shipped broker keeps strangers out and every device to itself; credentials come and go."""

from __future__ import annotations

import base64
import contextlib
import csv
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.__main__ import main
from smartbin.core.errors import BadInput
from smartbin.operator.provision import Provision, hashed
from smartbin.places.load import load
from tests.broker.secured import Connection, SecuredBroker
from tests.real import ROOT, patient_s, program, until

pytestmark = pytest.mark.real
DEVICES = list(load(ROOT / "deploy/xinbei").devices)


def passwords_of(installer: Path) -> dict[str, str]:
    with installer.open(newline="") as file:
        return {row["username"]: row["password"] for row in csv.DictReader(file)}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[SecuredBroker]:
    broker = SecuredBroker(tmp_path)
    credentials = files(broker)
    credentials.make(DEVICES)
    credentials.user("gateway", "the-gateways-own")
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def files(broker: SecuredBroker) -> Provision:
    return Provision(broker.secrets / "passwords", broker.secrets / "devices.csv")


def test_a_device_writes_as_itself_and_as_no_other(broker: SecuredBroker) -> None:
    mine = passwords_of(broker.secrets / "devices.csv")["bin-007"]
    gateway = broker.client("gateway", "the-gateways-own", broker.gateways_port, "gateway-1")
    with gateway, broker.client("bin-007", mine) as device:
        gateway.listen("smartbin/v1/xinbei/+/+")
        device.say("smartbin/v1/xinbei/bin-008/fill", "forged")
        device.say("smartbin/v1/elsewhere/bin-007/fill", "forged")
        device.say("smartbin/v1/xinbei/bin-007/fill", "true")
        until(lambda: bool(gateway.heard), "the gateway hears the device")
        assert gateway.heard == [("smartbin/v1/xinbei/bin-007/fill", b"true")]


def test_a_device_hears_nothing_and_commands_nobody_itself_neither(broker: SecuredBroker) -> None:
    secrets = passwords_of(broker.secrets / "devices.csv")
    with (
        broker.client("bin-007", secrets["bin-007"]) as device,
        broker.client("bin-008", secrets["bin-008"]) as other,
    ):
        device.listen("smartbin/v1/xinbei/#")
        other.say("smartbin/v1/xinbei/bin-008/command/reboot", "another's")
        other.say("smartbin/v1/xinbei/bin-008/deposit", "another's")
        device.say("smartbin/v1/xinbei/bin-007/deposit", "its own fact, not a command")
        device.say("smartbin/v1/xinbei/bin-007/command/reboot", "its own")
        device.say("smartbin/v1/xinbei/bin-007/fill", "acknowledged behind all that")
        assert device.heard == []


def test_no_one_takes_anothers_session_by_its_client_id(broker: SecuredBroker) -> None:
    mine = passwords_of(broker.secrets / "devices.csv")["bin-007"]
    gateway = broker.client("gateway", "the-gateways-own", broker.gateways_port, "gateway-1")
    with gateway, broker.client("bin-007", mine, client_id="gateway-1") as device:
        assert device.accepted
        gateway.listen("smartbin/v1/xinbei/+/+")
        device.say("smartbin/v1/xinbei/bin-007/fill", "here")
        until(lambda: bool(gateway.heard), "the gateway still hears")
        assert not gateway.gone.is_set()


@pytest.mark.parametrize(
    ("user", "password"), [("bin-007", "guess"), ("stranger", "guess"), ("+", "guess"), (None, "")]
)
def test_strangers_stay_outside(broker: SecuredBroker, user: str | None, password: str) -> None:
    for port in (broker.devices_port, broker.gateways_port):
        with broker.client(user, password, port) as stranger:
            assert not stranger.accepted


def test_plain_text_is_refused(broker: SecuredBroker) -> None:
    mine = passwords_of(broker.secrets / "devices.csv")["bin-007"]
    for port in (broker.devices_port, broker.gateways_port):
        plain = Connection("bin-007", mine, port)
        assert not plain.open(), "the broker answered in plain text"
        plain.close()
        with broker.client("bin-007", mine, port) as encrypted:
            assert encrypted.accepted, "the same over TLS"


def test_rotating_and_revoking_touch_one_device_alone(broker: SecuredBroker) -> None:
    before = passwords_of(broker.secrets / "devices.csv")
    names = ("bin-007", "bin-008", "bin-009")
    with contextlib.ExitStack() as open_ones:
        connected = [open_ones.enter_context(broker.client(d, before[d])) for d in names]
        files(broker).rotate("bin-007")
        files(broker).revoke("bin-008")
        broker.reload()
        for device in connected[:2]:
            assert device.gone.wait(patient_s(10)), "who was in with the old password is put out"
        assert not connected[2].gone.is_set()
    after = passwords_of(broker.secrets / "devices.csv")
    assert {d for d in DEVICES if before[d] != after.get(d)} == {"bin-007", "bin-008"}
    cases = [
        ("bin-007", before["bin-007"], False),
        ("bin-007", after["bin-007"], True),
        ("bin-008", before["bin-008"], False),
        ("bin-009", before["bin-009"], True),
        ("point-01", before["point-01"], True),
    ]
    for user, password, expected in cases:
        with broker.client(user, password) as device:
            assert device.accepted == expected, user


def test_the_command_makes_rotates_and_revokes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("SMARTBIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SMARTBIN_SITE", str(ROOT / "deploy/xinbei"))
    where = ["--passwords", str(tmp_path / "p"), "--installer", str(tmp_path / "d.csv")]
    assert main(["provision", "make", *where]) == 0
    first = passwords_of(tmp_path / "d.csv")
    assert list(first) == sorted(DEVICES)
    assert len(set(first.values())) == 51
    assert stat.S_IMODE((tmp_path / "d.csv").stat().st_mode) == 0o600
    assert main(["provision", "make", *where]) == 0, "made twice changes nothing"
    assert passwords_of(tmp_path / "d.csv") == first
    assert main(["provision", "revoke", "bin-001", *where]) == 0
    assert "bin-001" not in (tmp_path / "p").read_text()
    assert main(["provision", "rotate", "bin-001", *where]) == 2
    assert main(["provision", "rotate", *where]) == 2
    (tmp_path / "own").write_text("the gateway's own")
    own = ["--password-file", str(tmp_path / "own")]
    assert main(["provision", "user", "gateway", *own, *where]) == 0
    hashes = (tmp_path / "p").read_text()
    assert main(["provision", "rotate", "gateway", *where]) == 2, "its password is kept elsewhere"
    assert (tmp_path / "p").read_text() == hashes
    out = capsys.readouterr()
    assert "device 'bin-001' has no credential" in out.err
    assert not any(password in out.out + out.err for password in first.values())


def test_the_hash_is_what_mosquitto_itself_writes(tmp_path: Path) -> None:
    made = tmp_path / "passwords"
    made.touch(mode=0o600)
    tool = program("mosquitto_passwd", "apt-get install mosquitto")
    subprocess.run([tool, "-b", str(made), "bin-007", "a secret"], check=True, capture_output=True)
    theirs = made.read_text().strip().removeprefix("bin-007:")
    _, _, iterations, salt, _ = theirs.split("$")
    assert hashed("a secret", base64.b64decode(salt), int(iterations)) == theirs


def test_a_broken_file_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("bin-001:plain text\n")
    with pytest.raises(BadInput, match="p:1: is not a line of a Mosquitto password file"):
        Provision(tmp_path / "p", tmp_path / "d.csv").make(DEVICES)
    assert (tmp_path / "p").read_text() == "bin-001:plain text\n"
