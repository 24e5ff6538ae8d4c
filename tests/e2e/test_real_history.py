"""10,000 real emptyings through the real gateway: the API's sums are the file's, twice."""

from __future__ import annotations

import csv
import json
import os
import sys
import time
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from simulator.processes import Processes
from simulator.system import start_broker
from tests.real import free_port, missing, patient_s

SHIFT_DAYS = 364 * 9  # whole weeks, so that weekdays stay: 2016 becomes 2025
YEAR = 2025


def _file() -> Path:
    path = os.environ.get("SMARTBIN_TEST_EDINBURGH")
    if not path:
        missing(
            "the Edinburgh litter bins of 2016",
            "set SMARTBIN_TEST_EDINBURGH to the CSV of 10,000 emptyings (docs/simulator.md)",
        )
    return Path(path)


@pytest.mark.real
def test_real_emptyings_add_up_and_a_second_replay_changes_nothing(tmp_path: Path) -> None:
    file = _file()
    wanted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    with file.open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            wanted[row["device"]][0] += 1
            wanted[row["device"]][1] += int(row["weight_g"])
    assert sum(count for count, _ in wanted.values()) == 10_000
    mqtt, http, health = free_port(), free_port(), free_port()
    settings = {
        "SMARTBIN_SITE": str(tmp_path / "site"),
        "SMARTBIN_MQTT_URL": f"mqtt://127.0.0.1:{mqtt}",
        "SMARTBIN_TELEMETRY_URL": f"sqlite:///{tmp_path}/telemetry.db",
        "SMARTBIN_RECORDS_URL": f"sqlite:///{tmp_path}/records.db",
        "SMARTBIN_QUARANTINE": str(tmp_path / "quarantine"),
        "SMARTBIN_GATEWAY_HTTP": f"127.0.0.1:{health}",
        "SMARTBIN_API_HTTP": f"127.0.0.1:{http}",
    }
    replay = [sys.executable, "-m", "simulator", "replay", str(file), "--level"]
    replay += ["level_before_pct", "--place", "place", "--zone", "Europe/London"]
    replay += ["--shift-days", str(SHIFT_DAYS)]
    with Processes(tmp_path / "logs") as processes:
        processes.ask("make site", [*replay, "--make-site", str(tmp_path / "site")], {})
        start_broker(processes, tmp_path, mqtt)
        processes.start("gateway", [sys.executable, "-m", "gateway"], settings)
        processes.start("api", [sys.executable, "-m", "api"], settings)
        processes.wait_for_url("gateway", f"http://127.0.0.1:{health}/readyz")
        processes.wait_for_url("api", f"http://127.0.0.1:{http}/healthz")
        make = [sys.executable, "-m", "api", "token", "create", "--role", "crew", "--name", "test"]
        token = processes.ask("token", make, settings)
        for turn in (1, 2):
            processes.ask("replay", replay, settings)
            _wait_kept(f"http://127.0.0.1:{health}/metrics", turn * 20_000)
            told = {d: _sums(f"http://127.0.0.1:{http}", token, d) for d in wanted}
            assert told == dict(wanted)


def _wait_kept(url: str, messages: int) -> None:
    deadline_s = time.monotonic() + patient_s(60)
    kept = 0.0
    while kept < messages:
        assert time.monotonic() < deadline_s, f"{kept} of {messages} messages kept"
        with urllib.request.urlopen(url, timeout=patient_s(10)) as answer:
            lines = dict(
                line.rsplit(" ", 1)
                for line in answer.read().decode().splitlines()
                if not line.startswith("#")
            )
        received = float(lines["smartbin_gateway_messages_received_total"])
        kept = received - float(lines["smartbin_gateway_batch_messages"])
        time.sleep(0.1)


def _sums(api: str, token: str, device: str) -> list[int]:
    query = f"from={YEAR}-01-01&to={YEAR}-12-31"
    rows: list[Any] = []
    cursor = ""
    while True:
        request = urllib.request.Request(
            f"{api}/api/v1/devices/{device}/collections?{query}{cursor}",
            headers={"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=patient_s(10)) as answer:
            page = json.load(answer)
        rows += page["collections"]
        if not page["next"]:
            return [len(rows), sum(row["net_g"] for row in rows)]
        cursor = f"&cursor={page['next']}"
