"""A broker of three nodes: NATS with JetStream, a cluster, and MQTT on every node."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.real import free_port, missing, patient_s, until

WINDOW = 500
NODES = 3


def nats_server() -> str:
    """The path of a real nats-server."""
    found = os.environ.get("SMARTBIN_TEST_NATS") or shutil.which("nats-server")
    return found or missing(
        "nats-server", "install NATS 2.11 or newer, or set SMARTBIN_TEST_NATS to the binary"
    )


class Node:
    """One server of the cluster, over a folder of its own; may be killed and started again."""

    def __init__(self, folder: Path, name: str, routes: list[int], route: int) -> None:
        self._program = nats_server()
        self.port, self._monitor = free_port(), free_port()
        self._folder = folder / name
        self._folder.mkdir(parents=True)
        others = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        self._conf = self._folder / "nats.conf"
        self._conf.write_text(
            f"""
server_name: {name}
listen: "127.0.0.1:{free_port()}"
http: "127.0.0.1:{self._monitor}"
jetstream {{ store_dir: "{self._folder}/data" }}
cluster {{ name: bins, listen: "127.0.0.1:{route}", routes: [{others}] }}
mqtt {{
  listen: "127.0.0.1:{self.port}", stream_replicas: {NODES}
  max_ack_pending: 1000  # a session's subscriptions may have 65,535 together
  ack_wait: "5s"  # what a killed gateway had in hand comes again after it
}}
"""
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            command = [self._program, "-c", str(self._conf)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def is_well(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self._monitor}/healthz"
            with urllib.request.urlopen(url, timeout=patient_s(2)) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def end(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(patient_s(30))
            self._process = None


def cluster(folder: Path) -> list[Node]:
    """Started and well."""
    routes = [free_port() for _ in range(NODES)]
    nodes = [Node(folder, f"node-{n}", routes, route) for n, route in enumerate(routes)]
    for node in nodes:
        node.start()
    until(lambda: all(node.is_well() for node in nodes), "the three nodes are well", 60)
    return nodes


class Wanderer:
    """A device's side: publishes with QoS 1, and goes to the next node when one is lost. What was
    not acknowledged is sent again, as a device would.
    """

    def __init__(self, name: str, ports: list[int]) -> None:
        self.acknowledged = 0
        self._ports = ports
        self._turn = 0
        self._free = threading.Semaphore(WINDOW)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, name, clean_session=False)
        self._client.max_inflight_messages_set(WINDOW)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._move
        self._client.on_connect_fail = self._move
        self._client.connect("127.0.0.1", ports[0])
        self._client.loop_start()

    def send(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Returns when the broker has acknowledged all."""
        for topic, payload in messages:
            assert self._free.acquire(timeout=patient_s(120)), "the broker acknowledges nothing"
            self._client.publish(topic, payload, 1)
        for _ in range(WINDOW):
            assert self._free.acquire(timeout=patient_s(120)), "the broker acknowledges nothing"

    def close(self) -> None:
        self._client.on_disconnect = None
        self._client.disconnect()
        self._client.loop_stop()

    def _on_publish(self, *_: object) -> None:
        self.acknowledged += 1
        self._free.release()

    def _move(self, *_: object) -> None:
        self._turn += 1
        port = self._ports[self._turn % len(self._ports)]
        self._client.connect_async("127.0.0.1", port)
