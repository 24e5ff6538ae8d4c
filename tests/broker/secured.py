"""The broker of production: the very configuration that ships, with certificates made here."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.real import ROOT, free_port, patient_s, program, until

CONF = ROOT / "deploy/mosquitto"


class SecuredBroker:
    """Mosquitto on ``deploy/mosquitto/mosquitto.conf``; only paths and ports are its own."""

    def __init__(self, folder: Path) -> None:
        self._program = program("mosquitto", "apt-get install mosquitto")
        self.devices_port, self.gateways_port = free_port(), free_port()
        self.secrets, self._log = folder / "secrets", folder / "log"
        (folder / "data").mkdir()
        self.secrets.mkdir()
        make_certificate(self.secrets)
        text = (CONF / "mosquitto.conf").read_text(encoding="utf-8")
        moves = {
            "/mosquitto/secrets/": f"{self.secrets}/",
            "/mosquitto/config/": f"{CONF}/",
            "/mosquitto/data/": f"{folder}/data/",
            "listener 8883": f"listener {self.devices_port} 127.0.0.1",
            "listener 8884": f"listener {self.gateways_port} 127.0.0.1",
        }
        for old, new in moves.items():
            assert old in text
            text = text.replace(old, new)
        self._conf = folder / "mosquitto.conf"
        # Mosquitto gives up root for a user who cannot reach a test's folder.
        self._conf.write_text(text + ("\nuser root\n" if os.getuid() == 0 else ""))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [self._program, "-c", str(self._conf)], stdout=log, stderr=log
            )
        self._process = process
        until(lambda: " running" in self.log or process.poll() is not None, "mosquitto runs")
        assert process.poll() is None, self.log

    def reload(self) -> None:
        assert self._process is not None
        before = self.log.count("Reloading config")
        self._process.send_signal(signal.SIGHUP)
        until(lambda: self.log.count("Reloading config") > before, "mosquitto reloads")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(patient_s(20))

    def client(
        self, user: str | None, password: str | None, port: int = 0, client_id: str = ""
    ) -> Connection:
        return Connection(
            user, password, port or self.devices_port, client_id, self.secrets / "ca.crt"
        )


class Connection:
    """A device or a gateway at the broker: what it was told and what it heard."""

    def __init__(
        self,
        user: str | None,
        password: str | None,
        port: int,
        client_id: str = "",
        ca_file: Path | None = None,
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.code: Any = None
        self.gone = threading.Event()
        self._answered = threading.Event()
        self._granted = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv311)
        if user is not None:
            self._client.username_pw_set(user, password)
        if ca_file is not None:
            self._client.tls_set_context(ssl.create_default_context(cafile=str(ca_file)))
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = lambda _c, _d, m: self.heard.append((m.topic, bytes(m.payload)))
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.connect_async("127.0.0.1", port, 30)

    def __enter__(self) -> Connection:
        assert self.open(), "no answer from the broker"
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> bool:
        """Connect; answers whether the broker said anything, a refusal included."""
        self._client.reconnect()
        self._client.loop_start()
        until(lambda: self._answered.is_set() or self.gone.is_set(), "the connection is decided")
        return self._answered.is_set()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def accepted(self) -> bool:
        return self.code is not None and not self.code.is_failure

    def say(self, topic: str, payload: str) -> None:
        """Publish and wait for the broker's acknowledgement (it acknowledges what it drops)."""
        self._client.publish(topic, payload, 1).wait_for_publish(10)

    def send(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Publish and wait for nothing."""
        self._client.publish(topic, payload, 1, retain)

    def listen(self, topic: str) -> None:
        self._granted.clear()
        self._client.subscribe(topic, 1)
        assert self._granted.wait(patient_s(10))

    def _on_connect(self, _c: Any, _d: Any, _flags: Any, code: Any, _props: Any) -> None:
        self.code = code
        self._answered.set()

    def _on_disconnect(self, *_: Any) -> None:
        self.gone.set()


def make_certificate(folder: Path) -> None:
    """A certificate authority and the broker's certificate for 127.0.0.1, as openssl makes them."""
    openssl = program("openssl", "apt-get install openssl")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    new = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    files = ["-nodes", "-days", "2", "-keyout", "server.key", "-out", "server.crt"]
    subprocess.run([*new, *files, *subject], cwd=folder, check=True, capture_output=True)
    (folder / "ca.crt").write_bytes((folder / "server.crt").read_bytes())
