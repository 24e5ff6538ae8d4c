"""What operators are shown and woken by exists: every metric of dashboard and alerts is one that
a program has, and Prometheus takes both files.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.app import create_app
from api.parts import Parts
from gateway.http import Board
from gateway.meters import Meters
from smartbin.database import Database
from smartbin.facts.events import Deposit
from smartbin.facts.wire import Rejected
from smartbin.quarantine.store import Quarantine
from smartbin.settings import SiteSettings
from smartbin.telemetry import open_reader
from tests.places.small import SHANGHAI, small_registry
from tests.real import ROOT, patient_s, program

OBSERVE = ROOT / "deploy/observe"
DASHBOARD = OBSERVE / "grafana/provisioning/dashboards/json/smartbin.json"
METRIC = re.compile(r"\bsmartbin_\w+")
LABELS = re.compile(r"(?:by \(|\{)\s*(\w+)|\{\{\s*(?:\$labels\.)?(\w+)")


class Link:
    problem: str | None = None


def gateway_metrics(folder: Path) -> str:
    """Of a gateway to which everything has happened once, so that every metric is there."""
    meters = Meters(lambda: 0.0, lambda: 0)
    meters.acknowledged([Deposit("bin-001", "kitchen", 1000, 1, seq=1)])
    meters.set_aside([Rejected("t", b"", 0, "bad_json", "", "")])
    meters.blocked("telemetry", "away")
    return Board(meters, Quarantine(folder), Link()).metrics().decode()


def api_metrics(folder: Path) -> str:
    database = Database.open(f"sqlite:///{folder}/r.db")
    reader = open_reader(f"sqlite:///{folder}/t.db", SHANGHAI)
    database.prepare()
    parts = Parts(small_registry(), reader, database, folder, lambda: 0)
    settings = SiteSettings(site=ROOT / "deploy/xinbei")
    with TestClient(create_app(parts, settings)) as client:
        client.get("/healthz")
        text = client.get("/metrics").text
    database.close()
    return text


@pytest.fixture
def samples(tmp_path: Path) -> dict[str, set[str]]:
    """Every sample's name, with the names of its labels."""
    found: dict[str, set[str]] = {}
    for text in (gateway_metrics(tmp_path), api_metrics(tmp_path)):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def shown() -> str:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    targets = [target for panel in panels for target in panel["targets"]]
    return "\n".join(target["expr"] + " " + target["legendFormat"] for target in targets)


def woken_by() -> str:
    return (OBSERVE / "alerts.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [shown(), woken_by()], ids=["dashboard", "alerts"])
def test_every_metric_and_label_exists(text: str, samples: dict[str, set[str]]) -> None:
    named = set(METRIC.findall(text))
    assert len(named) >= 6
    assert named <= set(samples), f"no program has {named - set(samples)}"
    known = {label for labels in samples.values() for label in labels}
    labels = {first or second for first, second in LABELS.findall(text)} - {""}
    assert labels <= known | {"job", "instance", "le", "severity", "value"}, labels - known


def alerts() -> dict[str, str]:
    """Every alert and what it looks at."""
    (group,) = yaml.safe_load(woken_by())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def operators_page() -> str:
    return (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_every_alert_has_its_paragraph_and_every_paragraph_its_alert() -> None:
    section = operators_page().split("\n## Alerts\n")[1].split("\n## ")[0]
    paragraphs = re.findall(r"^### (\w+)\n\n(.+?)(?=\n\n### |\n*\Z)", section, re.M | re.S)
    assert [name for name, _ in paragraphs] == list(alerts())
    for name, text in paragraphs:
        assert len(text.split()) >= 25, f"{name}: say what it means and what to do"


def test_every_metric_is_an_alerts_or_the_page_says_why_not(samples: dict[str, set[str]]) -> None:
    rows = re.findall(r"^\| (`smartbin_.+?) \| .+? \| (.+?) \|$", operators_page(), re.M)
    said = {name: alert for names, alert in rows for name in METRIC.findall(names)}
    ours = {re.sub(r"_(bucket|count|sum)$", "", name) for name in samples}
    ours = {name for name in ours if name.startswith("smartbin_") and not name.endswith("_created")}
    assert said.keys() == ours
    for name, alert in said.items():
        woken = {rule for rule, expr in alerts().items() if re.search(rf"\b{name}", expr)}
        assert alert.startswith("none: ") if not woken else set(alert.split(", ")) == woken, name


@pytest.mark.parametrize("name", alerts())
def test_every_alert_fires_when_it_should_and_not_before(name: str) -> None:
    text = (ROOT / "tests/observe/alerts_test.yml").read_text(encoding="utf-8")
    assert f"      - {{alertname: {name}, eval_time: 100m, exp_alerts: []}}" in text, "all is well"
    case = text.split(f"  - name: {name}\n")[1].split("  - name: ")[0]
    assert f"{{alertname: {name}, eval_time: " in case, "quiet before"
    assert "exp_labels" in case, "fires"


@pytest.mark.process
def test_promtool_agrees(tmp_path: Path) -> None:
    tool = program("promtool", "apt-get install prometheus")
    for path in (OBSERVE / "alerts.yml", ROOT / "tests/observe/alerts_test.yml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    command = [tool, "test", "rules", str(tmp_path / "alerts_test.yml")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=patient_s(60), check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_of_the_operators_page_exists(samples: dict[str, set[str]]) -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `smartbin_")]
    named = {name for row in rows for name in METRIC.findall(row)}
    families = set(samples) | {re.sub(r"_(bucket|count|sum)$", "", name) for name in samples}
    assert named
    assert named <= families, f"no program has {named - families}"


@pytest.mark.process
def test_prometheus_takes_both_files(tmp_path: Path) -> None:
    tool = program("promtool", "apt-get install prometheus")
    config = (OBSERVE / "prometheus.yml").read_text(encoding="utf-8")
    (tmp_path / "ca").touch()
    moved = config.replace("/etc/prometheus/alerts.yml", str(OBSERVE / "alerts.yml"))
    moved = moved.replace("/run/secrets/ca", str(tmp_path / "ca"))
    (tmp_path / "prometheus.yml").write_text(moved, encoding="utf-8")
    command = [tool, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=patient_s(60), check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts())} rules found" in done.stdout
