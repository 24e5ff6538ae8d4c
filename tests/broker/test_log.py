"""Whatever strangers send, the logs of gateway and API stay lines of their own, and so does what
an operator's terminal shows of it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.broker.devices import publishing
from tests.broker.process import Gateway
from tests.faults.plant import Api
from tests.real import Mosquitto, free_port, patient_s, until

pytestmark = pytest.mark.real
HOSTILE = "x\n2026-01-01 00:00:00,000 ERROR all is lost\r\x1b[2J\u2028\u202e\x85"
IN_A_TOPIC = "x\u2028\u202eERROR all is lost"  # Mosquitto puts out who sends more than that
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) \S")


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[tuple[Mosquitto, Gateway, Api]]:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    gateway = Gateway(tmp_path, broker)
    api = Api(tmp_path, gateway.environment(), free_port())
    gateway.start()
    api.start()
    try:
        until(lambda: gateway.get("/readyz")[0] == 200 and api.ready(), "both are ready", 60)
        yield broker, gateway, api
    finally:
        for program in (gateway, api):
            if program.process is not None and program.process.poll() is None:
                program.end(signal.SIGKILL)
        broker.stop()


def raw(port: int, data: bytes) -> None:
    """Bytes that no HTTP client would send, until the server has answered."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(data)
        with suppress(OSError):
            connection.recv(1000)


def ask(port: int, path: str, body: object = None, **headers: str) -> None:
    data = None if body is None else json.dumps(body).encode()
    headers |= {"Content-Type": "application/json", "X-Requested-With": "smartbin"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    with suppress(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=patient_s(10)):
        pass


def test_nobody_writes_a_line_of_the_log(programs: tuple[Mosquitto, Gateway, Api]) -> None:
    broker, gateway, api = programs
    with publishing(broker) as devices:
        devices.send(
            [
                (f"smartbin/v1/xinbei/{IN_A_TOPIC}/fill", HOSTILE.encode()),
                (f"smartbin/v1/xinbei/bin-001/{IN_A_TOPIC}", b"{}"),
                ("smartbin/v1/xinbei/bin-001/deposit", json.dumps({HOSTILE: HOSTILE}).encode()),
                ("smartbin/v1/xinbei/bin-001/deposit", HOSTILE.encode()),
            ]
        )
    path = quote(HOSTILE)
    for where in (f"/{path}", f"/api/v1/devices/{path}", f"/api/v1/communities?{path}={path}"):
        ask(api.port, where)
        gateway.get(where)
    ask(api.port, "/api/v1/session", {"name": HOSTILE, "password": HOSTILE})
    ask(api.port, "/api/v1/session", {"name": "li.wei", "password": HOSTILE})
    forwarded = {"X-Forwarded-For": "1.2.3.4\x1b[2J", "User-Agent": "\x1b[2J"}
    ask(api.port, "/api/v1/site", **forwarded)
    for port in (api.port, gateway.port):
        raw(port, b"GET /\x1b[2J\nERROR all is lost HTTP/1.1\r\n\r\n")
        raw(port, b"\x16\x03\x01" + HOSTILE.encode() * 100)
    until(lambda: 'reason="unknown_device"} 1.0' in gateway.get("/metrics")[1], "it is refused")
    shown = [
        subprocess.run(
            [sys.executable, "-m", "gateway", "quarantine", action],
            env={**os.environ, **gateway.environment()},
            capture_output=True,
            check=True,
            timeout=patient_s(60),
        ).stdout.decode()
        for action in ("list", "show")
    ]
    assert all("ERROR all is lost" in text for text in shown), "it is there, spelt out"
    assert all(line.isprintable() for text in shown for line in text.split("\n"))

    for program in (gateway, api):
        program.end(signal.SIGTERM)
    for name in ("gateway.log", "api.log"):
        *lines, last = (gateway.folder / name).read_bytes().decode().split("\n")
        assert last == ""
        assert lines
        for line in lines:
            assert LINE.match(line), f"{name}: {line!r}"
            assert line.isprintable(), f"{name}: {line!r}"
            assert not line.startswith("2026-01-01"), "a stranger's"
