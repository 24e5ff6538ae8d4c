"""The API's own process speaks HTTPS when it is given a certificate, and nothing else then."""

from __future__ import annotations

import http.client
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from smartbin.operator.secrets import make
from tests.real import ROOT, free_port, patient_s, program, until

pytestmark = pytest.mark.process


def environment(tmp_path: Path, port: int, **settings: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SMARTBIN_SITE": str(ROOT / "deploy/xinbei"),
        "SMARTBIN_TELEMETRY_URL": f"sqlite:///{tmp_path}/t.db",
        "SMARTBIN_RECORDS_URL": f"sqlite:///{tmp_path}/r.db",
        "SMARTBIN_QUARANTINE": str(tmp_path / "q"),
        "SMARTBIN_API_HTTP": f"127.0.0.1:{port}",
        **settings,
    }


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    program("openssl", "apt-get install openssl")
    make(tmp_path / "secrets", ["bin-001"])
    return tmp_path / "secrets"


def test_https_and_nothing_else(tmp_path: Path, secrets: Path) -> None:
    port = free_port()
    settings = environment(
        tmp_path,
        port,
        SMARTBIN_API_TLS_CERT_FILE=str(secrets / "api/server.crt"),
        SMARTBIN_API_TLS_KEY_FILE=str(secrets / "api/server.key"),
    )
    trusting = ssl.create_default_context(cafile=str(secrets / "ca.crt"))

    def get(connection: http.client.HTTPConnection) -> int:
        try:
            connection.request("GET", "/api/v1/site")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def secured() -> int:
        return get(
            http.client.HTTPSConnection("127.0.0.1", port, timeout=patient_s(5), context=trusting)
        )

    with (tmp_path / "log").open("wb") as log:
        api = subprocess.Popen([sys.executable, "-m", "api"], env=settings, stdout=log, stderr=log)
    try:
        until(lambda: secured() == 200, "HTTPS answers", 60)
        assert get(http.client.HTTPConnection("127.0.0.1", port, timeout=patient_s(5))) == 0
    finally:
        api.send_signal(signal.SIGTERM)
        api.wait(patient_s(20))


def test_a_mistake_in_the_files_is_a_sentence(tmp_path: Path, secrets: Path) -> None:
    certificate, key = str(secrets / "api/server.crt"), str(secrets / "api/server.key")
    other = str(secrets / "mosquitto/server.key")
    cases = [
        ({"SMARTBIN_API_TLS_CERT_FILE": certificate}, "SMARTBIN_API_TLS_KEY_FILE: is not set"),
        ({"SMARTBIN_API_TLS_KEY_FILE": key}, "SMARTBIN_API_TLS_CERT_FILE: is not set"),
        (
            {"SMARTBIN_API_TLS_CERT_FILE": "/nowhere", "SMARTBIN_API_TLS_KEY_FILE": key},
            "SMARTBIN_API_TLS_CERT_FILE: cannot read /nowhere",
        ),
        (
            {"SMARTBIN_API_TLS_CERT_FILE": certificate, "SMARTBIN_API_TLS_KEY_FILE": other},
            "are not a certificate (PEM) and its key",
        ),
    ]
    for settings, sentence in cases:
        ended = subprocess.run(
            [sys.executable, "-m", "api"],
            env=environment(tmp_path, free_port(), **settings),
            capture_output=True,
            text=True,
            timeout=patient_s(60),
            check=False,
        )
        assert ended.returncode == 2, ended.stderr
        assert sentence in ended.stderr
        assert "Traceback" not in ended.stderr
