"""The shipped rules in a real Prometheus, over what a real gateway and API say of themselves while
one part after another is taken from them. Thresholds are the shipped ones; only the patience is
shorter. (promtool fires every rule from series written by hand: tests/observe/test_observe.py.)
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from sqlalchemy import create_engine

from tests.broker.devices import publishing
from tests.broker.process import Gateway
from tests.faults.plant import Api
from tests.real import ROOT, Mosquitto, free_port, patient_s, program, until

pytestmark = pytest.mark.real
OBSERVE = ROOT / "deploy/observe"
DEPOSIT = "smartbin/v1/xinbei/bin-001/deposit"


@dataclass
class Prometheus:
    """The real one, in a folder of its own, with the shipped configuration's two programs."""

    folder: Path
    targets: dict[str, int]
    port: int = 0

    def configure(self) -> None:
        """The shipped files; patience of seconds, and targets on this machine."""
        rules = (OBSERVE / "alerts.yml").read_text(encoding="utf-8")
        (self.folder / "alerts.yml").write_text(re.sub(r"\bfor: \d+[mh]", "for: 1s", rules))
        config = yaml.safe_load((OBSERVE / "prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
        config["rule_files"] = [str(self.folder / "alerts.yml")]
        jobs = [job["job_name"] for job in config["scrape_configs"]]
        assert set(self.targets) < set(jobs), "the shipped jobs"
        config["scrape_configs"] = [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for job, port in self.targets.items()
        ]
        (self.folder / "prometheus.yml").write_text(json.dumps(config))

    @contextmanager
    def running(self) -> Iterator[None]:
        self.configure()
        self.port = free_port()
        command = [
            program("prometheus", "apt-get install prometheus"),
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(patient_s(20))

    def firing(self) -> dict[str, dict[str, str]] | None:
        """The alerts that fire, with their labels; None while it does not answer."""
        url = f"http://127.0.0.1:{self.port}/api/v1/alerts"
        with suppress(OSError), urllib.request.urlopen(url, timeout=patient_s(5)) as answer:
            found = json.load(answer)["data"]["alerts"]
            return {a["labels"]["alertname"]: a["labels"] for a in found if a["state"] == "firing"}
        return None

    def fires(self, *names: str, within_s: float = 30.0) -> dict[str, dict[str, str]]:
        """Wait until these fire and nothing else does; answers their labels."""
        found: dict[str, dict[str, str]] = {}

        def they_do() -> bool:
            nonlocal found
            found = self.firing() or {}
            return set(found) == set(names)

        try:
            until(they_do, f"{names} fire", within_s)
        except AssertionError as error:
            raise AssertionError(f"{error}, but {found}") from None
        return found


def deposit(seq: int) -> tuple[str, bytes]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return DEPOSIT, json.dumps({"at": at, "seq": seq, "door": "kitchen", "weight_g": 9}).encode()


def send(broker: Mosquitto, *messages: tuple[str, bytes]) -> None:
    with publishing(broker) as devices:
        devices.send(messages)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else holds the database."""
    engine = create_engine(f"sqlite:///{path}")
    with closing(engine.raw_connection()) as holder:
        holder.cursor().execute("BEGIN IMMEDIATE")
        yield
        holder.rollback()
    engine.dispose()


def test_what_befalls_real_programs_wakes_somebody(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("broker", "programs", "prometheus")}
    for folder in folders.values():
        folder.mkdir()
    broker = Mosquitto(folders["broker"])
    gateway = Gateway(folders["programs"], broker)
    settings = gateway.environment()
    api = Api(folders["programs"], settings, free_port())
    broker.start()
    gateway.start()
    api.start()
    prometheus = Prometheus(folders["prometheus"], {"gateway": gateway.port, "api": api.port})
    try:
        until(lambda: gateway.get("/readyz")[0] == 200 and api.ready(), "both are ready", 60)
        with prometheus.running():
            befall(broker, gateway, api, prometheus)
    finally:
        for process in (gateway.process, api.process):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(patient_s(20))
        broker.stop()


def befall(broker: Mosquitto, gateway: Gateway, api: Api, prometheus: Prometheus) -> None:
    prometheus.fires("NothingComes")
    send(broker, deposit(1))
    prometheus.fires()
    every_metric_of_the_rules_is_there(gateway, api)

    send(broker, (DEPOSIT, b"no JSON"))
    (refused,) = prometheus.fires("MessagesRefused").values()
    assert refused["reason"] == "bad_json"

    guess(api)
    stays = ("MessagesRefused", "SomebodyGuesses")  # for a quarter of an hour, and longer
    prometheus.fires(*stays)

    with locked(gateway.folder / "telemetry.db"):
        send(broker, deposit(2))
        # 30 s in hand: the shipped threshold.
        prometheus.fires(*stays, "MessagesDoNotMove", within_s=60)
    prometheus.fires(*stays, within_s=60)

    folder, aside = gateway.folder / "quarantine", gateway.folder / "aside"
    folder.rename(aside)
    folder.touch()
    prometheus.fires(*stays, "QuarantineUnreadable")
    folder.unlink()
    aside.rename(folder)
    prometheus.fires(*stays)

    broker.stop()
    prometheus.fires(*stays, "NoBroker")
    gateway.end(signal.SIGKILL)
    gone = prometheus.fires(*stays, "ProgramGone")
    assert gone["ProgramGone"]["job"] == "gateway"


def guess(api: Api) -> None:
    """Wrong passwords, one after the other, until more than 20 had to wait."""
    body = json.dumps({"name": "li.wei", "password": "wrong"}).encode()
    headers = {"Content-Type": "application/json", "X-Requested-With": "smartbin"}
    url = f"http://127.0.0.1:{api.port}/api/v1/session"
    waits = 0
    for _ in range(40):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(
                urllib.request.Request(url, body, headers), timeout=patient_s(10)
            )
        refused.value.close()
        waits += refused.value.code == 429
    assert waits > 20


def every_metric_of_the_rules_is_there(gateway: Gateway, api: Api) -> None:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{api.port}/metrics", timeout=patient_s(5)
    ) as answer:
        pages = gateway.get("/metrics")[1] + answer.read().decode()
    have = set(re.findall(r"^(smartbin_\w+)", pages, re.M))
    rules = (OBSERVE / "alerts.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"\bsmartbin_\w+", rules))
    assert len(named) > 10
    assert named <= have, f"no program says {named - have}"
