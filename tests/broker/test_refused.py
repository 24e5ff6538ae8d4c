"""What the broker refuses is said to the operator with the setting to look at."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gateway.backoff import Backoff
from gateway.broker import SessionMemory, broker_of
from gateway.mqtt import BrokerSession
from tests.broker.secured import SecuredBroker
from tests.broker.test_secured import files
from tests.real import until

TAKEN, NAME_REFUSED, AWAY, USER_REFUSED, NOT_ALLOWED = (
    b"\x20\x02\x00" + bytes([code]) for code in (0, 2, 3, 4, 5)
)
Refuse = Callable[[bytes, int], int]


def problem_of(
    url: str, folder: Path, wanted: str, password: str = "", ca_file: Path | None = None
) -> str:
    """What a session at ``url`` says once it says something with ``wanted`` in it."""
    session = BrokerSession(
        broker_of(url, "gateway-1", password, ca_file),
        ["smartbin/v1/xinbei/+/+", "smartbin/v1/yangbei/+/+"],
        SessionMemory(folder / "session.json", "gateway-1"),
        Backoff(0.02, 0.2, random.Random(1)),
    )
    with closing(session):

        def said() -> bool:
            session.idle(0.01)
            return wanted in str(session.problem)

        until(said, f"{wanted!r} is said")
        return str(session.problem)


@pytest.fixture
def refusing() -> Iterator[Refuse]:
    """Brokers that answer a greeting with ``connack``, and every second filter with ``code``."""
    servers: list[socket.socket] = []

    def answer(stream: socket.socket, connack: bytes, code: int) -> None:
        with stream, suppress(OSError):
            stream.recv(65536)
            stream.sendall(connack)
            while subscribe := stream.recv(65536):
                if subscribe[0] == 0x82:
                    stream.sendall(b"\x90\x04" + subscribe[2:4] + bytes([1, code]))

    def serve(server: socket.socket, connack: bytes, code: int) -> None:
        with suppress(OSError):
            while True:
                answer(server.accept()[0], connack, code)

    def start(connack: bytes, code: int = 1) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=serve, args=(server, connack, code), daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@pytest.mark.parametrize(
    ("connack", "said"),
    [
        (NAME_REFUSED, "refuses the client id 'gateway-1': set SMARTBIN_MQTT_CLIENT_ID"),
        (AWAY, "refuses the connection (Server unavailable)"),
        (USER_REFUSED, "refuses user 'me': check the user in SMARTBIN_MQTT_URL"),
        (NOT_ALLOWED, "refuses user 'me': check the user in SMARTBIN_MQTT_URL"),
    ],
)
def test_a_refused_greeting(connack: bytes, said: str, refusing: Refuse, tmp_path: Path) -> None:
    port = refusing(connack, 1)
    problem = problem_of(f"mqtt://me@127.0.0.1:{port}", tmp_path, "refuses")
    assert problem.startswith(f"the broker at 127.0.0.1:{port} {said}")


def test_a_refused_subscription_is_no_subscription(refusing: Refuse, tmp_path: Path) -> None:
    port = refusing(TAKEN, 0x80)
    problem = problem_of(f"mqtt://me@127.0.0.1:{port}", tmp_path, "refuses")
    assert "refuses the subscription to smartbin/v1/yangbei/+/+: allow 'gateway-1'" in problem


def test_something_that_speaks_no_tls(refusing: Refuse, tmp_path: Path) -> None:
    url = f"mqtts://127.0.0.1:{refusing(b'HTTP/1.1 400 Bad Request', 1)}"
    assert "is SMARTBIN_MQTT_URL's scheme right?" in problem_of(url, tmp_path, "no TLS with")


@pytest.mark.real
def test_a_certificate_and_a_password_are_looked_at(tmp_path: Path) -> None:
    broker = SecuredBroker(tmp_path)
    files(broker).user("gateway", "the-gateways-own")
    broker.start()
    try:
        url = f"mqtts://gateway@127.0.0.1:{broker.gateways_port}"
        strange = problem_of(url, tmp_path, "not trusted", "the-gateways-own")
        assert "set SMARTBIN_MQTT_CA_FILE to the authority's PEM file" in strange
        known = broker.secrets / "ca.crt"
        wrong = problem_of(url, tmp_path, "refuses", "a guess", known)
        assert "refuses user 'gateway': check the user" in wrong
        assert "a guess" not in wrong
        assert problem_of(url, tmp_path, "None", "the-gateways-own", known) == "None"
    finally:
        broker.stop()
