"""The whole system of real processes: Mosquitto, InfluxDB, PostgreSQL, gateway and API, a proxy
of ours before each server, and 51 devices that publish as devices do: each over a connection of
its own, every message until it is acknowledged.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simulator.broker import BrokerConnection, Login
from simulator.publisher import Publisher
from smartbin.database import Database
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.telemetry import TelemetryReader, open_reader, setup
from tests.broker.process import SITE, Gateway
from tests.faults.proxy import Proxy
from tests.influx import Influxd
from tests.places.small import SHANGHAI
from tests.postgres import Postgresd, programs
from tests.real import ROOT, Mosquitto, free_port, patient_s, until

TIMEOUT_S = 180.0
KEEPALIVE_S = 5  # how soon a device notices that nobody answers


@dataclass
class Api:
    """The API's own process; it settles points every second."""

    folder: Path
    settings: dict[str, str]
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SMARTBIN_SITE": str(SITE),
            "SMARTBIN_QUARANTINE": str(self.folder / "quarantine"),
            "SMARTBIN_API_HTTP": f"127.0.0.1:{self.port}",
            "SMARTBIN_SETTLE_EVERY_S": "1",
            **self.settings,
        }
        with (self.folder / "api.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api"], env=environment, stdout=log, stderr=log
            )

    def end(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(patient_s(30))

    def ready(self) -> bool:
        url = f"http://127.0.0.1:{self.port}/readyz"
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(url, timeout=patient_s(5)) as answer,
        ):
            return bool(answer.status == 200)
        return False


@dataclass
class Plant:
    """Every part, by name, and where it can be hurt."""

    folder: Path
    mosquitto: Mosquitto
    influx: Influxd
    postgres: Postgresd
    gateway: Gateway
    api: Api
    proxies: dict[str, Proxy]
    registry: Registry
    database: Database
    reader: TelemetryReader
    devices: Publisher

    PARTS = ("mosquitto", "influx", "postgres", "gateway", "api")

    def kill(self, part: str) -> None:
        if part == "mosquitto":
            self.mosquitto.kill()
        else:
            getattr(self, part).end(signal.SIGKILL)

    def start(self, part: str) -> None:
        getattr(self, part).start()

    def send(self, part: str, number: int) -> None:
        """A signal that a process survives."""
        if part == "postgres":
            self.postgres.send(number)
            return
        pid = self.mosquitto.pid if part == "mosquitto" else getattr(self, part).process.pid
        os.kill(pid, number)

    def ready(self) -> bool:
        return self.gateway.get("/readyz")[0] == 200 and self.api.ready()


@contextlib.contextmanager
def plant(folder: Path) -> Iterator[Plant]:
    """Everything started and ready; ended afterwards."""
    with contextlib.ExitStack() as ends:
        postgres_folder = Path(tempfile.mkdtemp(prefix="smartbin-postgres-"))
        ends.callback(shutil.rmtree, postgres_folder, ignore_errors=True)
        postgres = Postgresd(programs(), postgres_folder)
        ends.callback(postgres.end)
        postgres.start()
        influx = Influxd(folder / "influxd")
        ends.callback(influx.end)
        influx.start()
        influx.set_up()
        mosquitto = Mosquitto(folder / "mosquitto")
        ends.callback(mosquitto.kill)
        mosquitto.start()
        list(setup(influx.url_of("smartbin"), influx.token, 0))
        database = Database.open(postgres.url.render_as_string())
        ends.callback(database.close)
        database.migrate()
        targets = {
            "devices": mosquitto.port,
            "mosquitto": mosquitto.port,
            "influx": influx.port,
            "postgres": postgres.port,
        }
        proxies = {name: Proxy(port) for name, port in targets.items()}
        for proxy in proxies.values():
            ends.callback(proxy.close)
        settings = _settings(influx, postgres, proxies)
        gateway = Gateway(folder, settings=settings | {"SMARTBIN_MQTT_URL": _mqtt(proxies)})
        api = Api(folder, settings, free_port())
        for program in (gateway, api):
            program.start()
            ends.callback(_over, program)
        until(lambda: gateway.get("/readyz")[0] == 200, "the gateway is ready", 60)
        mosquitto.save()  # from now on it knows the gateway's session, as after its first minute
        until(api.ready, f"the API is ready: {folder}/api.log", 60)
        registry = load(SITE)
        reader = open_reader(influx.url_of("smartbin"), SHANGHAI, influx.token)
        ends.callback(reader.close)
        logins = [Login(device, "", "") for device in registry.devices]
        broker = BrokerConnection.parse(f"mqtt://127.0.0.1:{proxies['devices'].port}")
        devices = Publisher(broker, logins, patience_s=TIMEOUT_S, keepalive_s=KEEPALIVE_S)
        ends.callback(devices.close)
        yield Plant(
            *(folder, mosquitto, influx, postgres, gateway, api),
            *(proxies, registry, database, reader, devices),
        )


def _settings(influx: Influxd, postgres: Postgresd, proxies: dict[str, Proxy]) -> dict[str, str]:
    url = influx.url_of("smartbin").replace(f":{influx.port}/", f":{proxies['influx'].port}/")
    records = postgres.url.set(port=proxies["postgres"].port).render_as_string()
    return {
        "SMARTBIN_TELEMETRY_URL": url,
        "SMARTBIN_TELEMETRY_TOKEN": influx.token,
        "SMARTBIN_RECORDS_URL": records,
    }


def _mqtt(proxies: dict[str, Proxy]) -> str:
    return f"mqtt://127.0.0.1:{proxies['mosquitto'].port}"


def _over(program: Gateway | Api) -> None:
    if program.process is not None and program.process.poll() is None:
        program.process.send_signal(signal.SIGCONT)
        program.end(signal.SIGKILL)
