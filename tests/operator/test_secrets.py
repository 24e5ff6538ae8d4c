"""``make secrets``: every secret random, once, and certificates that clients accept."""

from __future__ import annotations

import base64
import http.server
import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartbin.core.errors import BadInput
from smartbin.operator.probe import main as probe_main
from smartbin.operator.probe import probe
from smartbin.operator.provision import hashed
from smartbin.operator.secrets import LINES, USER, make
from tests.real import program

pytestmark = pytest.mark.process

DEVICES = ["bin-001", "bin-002"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    program("openssl", "apt-get install openssl")
    made = make(tmp_path / "secrets", DEVICES, ["192.0.2.7", "bins.example.org"])
    assert {*LINES, *DEVICES, "ca.key"} <= set(made)
    return tmp_path / "secrets"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_secret_is_its_own_and_long(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make(other, DEVICES)
    values = [(where / name).read_text().strip() for where in (folder, other) for name in LINES]
    assert len(set(values)) == 2 * len(LINES)
    assert min(map(len, values)) >= 40
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "the folder keeps others out"
    assert stat.S_IMODE((folder / "ca.key").stat().st_mode) == 0o600


def test_made_again_nothing_changes_and_what_is_missing_is_added(folder: Path) -> None:
    before = contents(folder)
    assert make(folder, DEVICES) == []
    assert contents(folder) == before
    (folder / "api/server.crt").unlink()
    assert make(folder, [*DEVICES, "bin-003"]) == ["api/server.key", "api/server.crt", "bin-003"]
    after = contents(folder)
    grown = {"mosquitto/passwords", "devices.csv", "api/server.crt", "api/server.key"}
    assert {name for name in after if after[name] != before.get(name)} == grown


def test_the_brokers_file_knows_the_gateways_password(folder: Path) -> None:
    lines = (folder / "mosquitto/passwords").read_text().splitlines()
    users = dict(line.split(":") for line in lines)
    assert set(users) == {*DEVICES, USER}
    password = (folder / "mqtt_password").read_text().strip()
    _, _, iterations, salt, _ = users[USER].split("$")
    assert hashed(password, base64.b64decode(salt), int(iterations)) == users[USER]


@pytest.mark.parametrize("host", ["a b", "bins.example.org,IP:1.2.3.4", "-x", "a\nb", ""])
def test_a_host_that_is_none_is_refused(host: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--host"):
        make(tmp_path / "secrets", DEVICES, [host])
    assert not (tmp_path / "secrets").exists()


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        well = self.path == "/readyz"
        self.send_response(200 if well else 503)
        self.end_headers()
        self.wfile.write(b"ready\n" if well else b"no messages can come: because\nmore\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def https_port(folder: Path) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "api/server.crt", folder / "api/server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_certificate_stands_for_its_names_under_the_authority(
    folder: Path, https_port: int
) -> None:
    trusting = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    for name in ("api", "localhost", "127.0.0.1", "192.0.2.7", "bins.example.org"):
        with (
            socket.create_connection(("127.0.0.1", https_port), 5) as plain,
            trusting.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.version() == "TLSv1.3"
    with (
        socket.create_connection(("127.0.0.1", https_port), 5) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        trusting.wrap_socket(plain, server_hostname="elsewhere.example.org")


def test_the_probe_says_what_the_program_says(
    https_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe(f"https://127.0.0.1:{https_port}/readyz") == (200, "ready")
    assert probe_main([f"https://127.0.0.1:{https_port}/x"]) == 1
    assert capsys.readouterr().out == "no messages can come: because\n"
    status, said = probe("http://127.0.0.1:1/readyz")
    assert status == 0
    assert "no answer" in said
    assert probe_main([]) == 2


def test_openssl_missing_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with pytest.raises(BadInput, match="openssl is missing"):
        make(tmp_path / "secrets", DEVICES)
