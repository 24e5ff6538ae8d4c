"""What a hostile device, or a stranger, can do to the shipped broker: nothing that others notice.

Everything goes to 127.0.0.1, is bounded, and ends. SMARTBIN_TEST_CONNECTIONS=10000 (make soak)
opens twice as many connections as the devices' listener takes.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartbin.operator.provision import Provision
from tests.broker.secured import Connection, SecuredBroker
from tests.real import until

pytestmark = pytest.mark.real
CONNECTIONS = int(os.environ.get("SMARTBIN_TEST_CONNECTIONS", "300"))
# The listeners' max_connections in deploy/mosquitto/mosquitto.conf.
DEVICES_MAX, GATEWAYS_MAX = 5_000, 50
PACKET_BYTES_MAX = 300_000
BAD, GOOD = "bin-007", "bin-008"
BASE = "smartbin/v1/xinbei"
KINDS = ("fill", "deposit", "collection", "status", "alarm", "batch")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[SecuredBroker]:
    broker = SecuredBroker(tmp_path)
    credentials = Provision(broker.secrets / "passwords", broker.secrets / "devices.csv")
    for user in (BAD, GOOD, "gateway"):
        credentials.user(user, f"{user}-password")
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def heard(broker: SecuredBroker) -> Iterator[list[tuple[str, bytes]]]:
    """What a gateway hears meanwhile."""
    gateway = broker.client("gateway", "gateway-password", broker.gateways_port, "gateway-1")
    with gateway:
        gateway.listen(f"{BASE}/#")
        yield gateway.heard


def test_too_large_a_packet_puts_out_its_sender_and_nobody_else(
    broker: SecuredBroker, heard: list[tuple[str, bytes]]
) -> None:
    with broker.client(GOOD, f"{GOOD}-password") as good:
        with broker.client(BAD, f"{BAD}-password") as bad:
            bad.send(f"{BASE}/{BAD}/batch", "x" * (PACKET_BYTES_MAX + 1_000))
            until(bad.gone.is_set, "the broker ends the connection")
        with broker.client(BAD, f"{BAD}-password") as again:
            again.say(f"{BASE}/{BAD}/fill", "back")
        good.say(f"{BASE}/{GOOD}/fill", "unharmed")
    until(lambda: len(heard) == 2, "both are heard")
    assert {payload for _, payload in heard} == {b"back", b"unharmed"}


@pytest.mark.parametrize(
    "wanted",
    ["#", "+/+/+/+/+", f"{BASE}/#", f"{BASE}/+/deposit", f"$share/x/{BASE}/#", "$SYS/#"],
)
def test_a_device_hears_nothing_that_is_not_its_own(broker: SecuredBroker, wanted: str) -> None:
    with broker.client(BAD, f"{BAD}-password") as bad:
        bad.listen(wanted)
        bad.listen(f"{BASE}/{BAD}/command/+")
        with broker.client(GOOD, f"{GOOD}-password") as good:
            good.say(f"{BASE}/{GOOD}/deposit", "secret")
        bad.say(f"{BASE}/{BAD}/fill", "after it")  # acknowledged behind whatever came before
        assert bad.heard == []


def test_nor_does_it_speak_where_it_should_not(
    broker: SecuredBroker, heard: list[tuple[str, bytes]]
) -> None:
    forged = (
        "$SYS/broker/uptime", f"{BASE}/{GOOD}/deposit", f"{BASE}/{BAD}/deposit/more",
        f"{BASE}/{BAD}/command/open", f"{BASE}/{BAD}", "smartbin/v1", f"{BASE}/{BAD}/secret",
    )  # fmt: skip
    with broker.client(BAD, f"{BAD}-password") as bad:
        for topic in forged:
            bad.say(topic, "forged")
        bad.say(f"{BASE}/{BAD}/deposit", "mine")
    until(lambda: bool(heard), "its own is heard")
    assert heard == [(f"{BASE}/{BAD}/deposit", b"mine")]


def test_a_flood_of_retained_messages_leaves_one_a_kind(broker: SecuredBroker) -> None:
    with broker.client(BAD, f"{BAD}-password") as bad:
        for n in range(CONNECTIONS):
            bad.send(f"{BASE}/{BAD}/{n}", "x" * 100, retain=True)
        for kind in KINDS:
            for n in range(20):
                bad.send(f"{BASE}/{BAD}/{kind}", f"{kind} {n}", retain=True)
        bad.say(f"{BASE}/{BAD}/fill", "all of it is at the broker")
    gateway = broker.client("gateway", "gateway-password", broker.gateways_port, "gateway-2")
    with gateway, broker.client(GOOD, f"{GOOD}-password") as good:
        gateway.listen(f"{BASE}/#")
        good.say(f"{BASE}/{GOOD}/fill", "the last")
        until(lambda: (f"{BASE}/{GOOD}/fill", b"the last") in gateway.heard, "all that is kept")
        assert len(gateway.heard) <= len(KINDS) + 1, gateway.heard[:20]


def test_a_flood_of_one_does_not_silence_another(
    broker: SecuredBroker, heard: list[tuple[str, bytes]]
) -> None:
    count = 3_000
    with (
        broker.client(BAD, f"{BAD}-password") as bad,
        broker.client(GOOD, f"{GOOD}-password") as good,
    ):
        for n in range(count):
            bad.send(f"{BASE}/{BAD}/fill", str(n))
        good.say(f"{BASE}/{GOOD}/fill", "heard in between")
        until(lambda: len(heard) == count + 1, "everything is heard, the flood too", within_s=60)
    assert (f"{BASE}/{GOOD}/fill", b"heard in between") in heard


def test_connections_beyond_the_bound_are_closed_at_once_and_harm_nobody(
    broker: SecuredBroker, heard: list[tuple[str, bytes]]
) -> None:
    most, port = (
        (DEVICES_MAX, broker.devices_port)
        if CONNECTIONS > DEVICES_MAX
        else (GATEWAYS_MAX, broker.gateways_port)
    )
    with broker.client(GOOD, f"{GOOD}-password") as good, contextlib.ExitStack() as opened:
        strangers = [
            opened.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            for _ in range(CONNECTIONS)
        ]
        until(
            lambda: sum(_closed(s) for s in strangers) >= CONNECTIONS - most,
            "what is too much is closed",
            within_s=60,
        )
        good.say(f"{BASE}/{GOOD}/fill", "unharmed")
        until(lambda: bool(heard), "who was connected goes on")
    new = broker.client("gateway", "gateway-password", broker.gateways_port, "gateway-3")
    until(lambda: _opens(new), "there is room again")


def _closed(stranger: socket.socket) -> bool:
    """Whether the other end has closed: readable, and nothing to read."""
    poll = select.poll()  # select() takes no descriptor above 1023
    poll.register(stranger, select.POLLIN)
    if not poll.poll(0):
        return False
    try:
        return stranger.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def _opens(client: Connection) -> bool:
    try:
        with client:
            return True
    except (AssertionError, OSError):
        return False
