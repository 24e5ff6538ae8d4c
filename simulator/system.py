"""The whole system on this machine as child processes: broker, gateway, API."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulator.broker import BrokerConnection
from simulator.processes import LOCAL, PartFailed, Processes, port_of
from simulator.publisher import Publisher
from smartbin.core.errors import BadInput

LEAD_MAX = 400  # messages published and not yet received by the gateway, while backfilling
CAUGHT_UP_S = 120.0
PEOPLE = ("crew", "office")  # names that are their roles
NEW_TOKEN = ("token", "create", "--role", "crew", "--name", "demo")
SCREENS = Path("api/static/index.html")


@dataclass(frozen=True, slots=True)
class System:
    """The running parts and where they are."""

    processes: Processes
    folder: Path
    broker: BrokerConnection
    api: str
    gateway: str
    token: str  # a crew's
    settings: Mapping[str, str]

    def ask_api(self, *command: str) -> str:
        """Run one of the API's commands to its end; answers what it printed."""
        return self.processes.ask(
            " ".join(command[:2]), [sys.executable, "-m", "api", *command], self.settings
        )

    def ask(self, *command: str) -> str:
        """Run one of the product's commands to its end; answers what it printed."""
        return self.processes.ask(
            " ".join(command[:2]), [sys.executable, "-m", "smartbin", *command], self.settings
        )

    def received(self) -> int:
        """How many messages the gateway has kept and acknowledged since it started."""
        with urllib.request.urlopen(f"{self.gateway}/metrics", timeout=10) as answer:  # noqa: S310 - ours
            shown = answer.read().decode()
        received, in_hand = (
            _metric(shown, n) for n in ("messages_received_total", "batch_messages")
        )
        return received - in_hand

    def wait_received(self, wanted: int) -> int:
        """Until the gateway has taken that many; answers how many it has. Raises PartFailed when
        it stops doing so.
        """
        deadline_s = time.monotonic() + CAUGHT_UP_S
        while (received := self.received()) < wanted:
            self.processes.check()
            if time.monotonic() > deadline_s:
                raise PartFailed(
                    f"the gateway took {received} of {wanted} messages; its log is in {self.folder}"
                )
            time.sleep(0.1)
        return received

    def pace(self, publisher: Publisher) -> Callable[[], None]:
        """Keeps the lead over the gateway bounded: the embedded broker cannot buffer a month."""
        received = 0

        def pace() -> None:
            nonlocal received
            if publisher.published - received > LEAD_MAX:  # asking costs the gateway time
                received = self.wait_received(publisher.published - LEAD_MAX // 2)

        return pace

    def password(self) -> str:
        """Of the demo's people."""
        return (self.folder / "password").read_text(encoding="utf-8")

    def tell_screens(self) -> None:
        """Say how the screens' build ended, once."""
        for _, status, log in self.processes.ended_jobs():
            if status == 0:
                print("页面已就绪 · the screens are ready", file=sys.stderr)
            else:
                print(
                    f"页面构建失败，接口不受影响，请看 {log} · the screens could not be built: the "
                    f"API works without; see {log}, then run 'make web'",
                    file=sys.stderr,
                )


@contextmanager
def started(folder: Path, site: Path, choice: str) -> Iterator[System]:
    """Start the parts, their data in ``folder``; all end with the block."""
    folder = folder.resolve()
    with Processes(folder / "logs") as processes:
        mqtt, http, health = port_of(1883), port_of(8000), port_of(8001)
        print(f"消息服务 broker: {start_broker(processes, folder, mqtt, choice)}", file=sys.stderr)
        settings = {
            "SMARTBIN_SITE": str(site),
            "SMARTBIN_MQTT_URL": f"mqtt://{LOCAL}:{mqtt}",
            "SMARTBIN_TELEMETRY_URL": f"sqlite:///{folder}/telemetry.db",
            "SMARTBIN_RECORDS_URL": f"sqlite:///{folder}/records.db",
            "SMARTBIN_QUARANTINE": str(folder / "quarantine"),
            "SMARTBIN_GATEWAY_HTTP": f"{LOCAL}:{health}",
            "SMARTBIN_API_HTTP": f"{LOCAL}:{http}",
        }
        _build_screens(processes)
        processes.start("gateway", [sys.executable, "-m", "gateway"], settings)
        processes.start("api", [sys.executable, "-m", "api"], settings)
        gateway, api = f"http://{LOCAL}:{health}", f"http://{LOCAL}:{http}"
        processes.wait_for_url("gateway", f"{gateway}/readyz")
        processes.wait_for_url("api", f"{api}/healthz")
        with ThreadPoolExecutor() as pool:  # each is mostly a program's start
            people = pool.submit(_people, processes, folder / "password", settings)
            token = _token(processes, folder / "crew.token", settings)
            people.result()
        broker = BrokerConnection.parse(settings["SMARTBIN_MQTT_URL"])
        yield System(processes, folder, broker, api, gateway, token, settings)


def _token(processes: Processes, kept: Path, settings: dict[str, str]) -> str:
    """The demo's crew token: made once, kept in a file that only its owner reads."""
    if kept.exists():
        return kept.read_text(encoding="utf-8")
    token = processes.ask("token create", [sys.executable, "-m", "api", *NEW_TOKEN], settings)
    kept.touch(mode=0o600)
    kept.write_text(token, encoding="utf-8")
    return token


def _people(processes: Processes, kept: Path, settings: dict[str, str]) -> None:
    """Who signs in on the demo's screens: made once, with one password kept like the token."""
    if kept.exists():
        return
    fresh = kept.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_urlsafe(12), encoding="utf-8")
    for name in PEOPLE:
        create = ("user", "create", "--name", name, "--role", name, "--password-file", str(fresh))
        processes.ask("user create", [sys.executable, "-m", "api", *create], settings)
    fresh.replace(kept)


def _build_screens(processes: Processes) -> None:
    """In the background, where they are not built and can be: a checkout has a Makefile."""
    make = shutil.which("make")
    if SCREENS.exists() or not make or not Path("Makefile").exists():
        return
    print("同时构建页面 · the screens are built meanwhile", file=sys.stderr)
    processes.start_job("screens", [make, "--no-print-directory", "web"])


def _metric(shown: str, name: str) -> int:
    found = re.search(rf"^smartbin_gateway_{name} (\S+)", shown, re.MULTILINE)
    if found is None:
        raise PartFailed(f"the gateway's /metrics shows no smartbin_gateway_{name}")
    return int(float(found[1]))


def start_broker(processes: Processes, folder: Path, port: int, choice: str = "auto") -> str:
    """Mosquitto with the shipped settings when it is installed, else the embedded one; answers
    which. ``choice`` is ``auto``, ``mosquitto`` or ``embedded``.
    """
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if choice == "mosquitto" and not mosquitto:
        raise BadInput("--broker: mosquitto is not installed; install it or choose embedded")
    if choice == "embedded":
        mosquitto = None
    if mosquitto:
        conf = folder / "mosquitto.conf"
        store = (folder / "mosquitto").resolve()
        store.mkdir(parents=True, exist_ok=True)
        shipped = Path("deploy/mosquitto/local.conf").read_text(encoding="utf-8")
        own = {
            "listener": f"listener {port} {LOCAL}",
            "persistence_location": f"persistence_location {store}/",
        }
        lines = [own.get(line.partition(" ")[0], line) for line in shipped.splitlines()]
        if os.geteuid() == 0:
            lines.append("user root")  # it would become nobody, who may not write here
        conf.write_text("\n".join(lines) + "\n", encoding="utf-8")
        processes.start("broker", [mosquitto, "-c", str(conf)], {})
        name = "Mosquitto (deploy/mosquitto/local.conf)"
    else:
        processes.start(
            "broker", [sys.executable, "-m", "simulator.embedded_broker", str(port)], {}
        )
        name = "iotcore (embedded; keeps messages in memory: its restart would lose what waits)"
    processes.wait_for_port("broker", port)
    return name
