"""The gateway's own process, over a broker and stores in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.real import ROOT, Mosquitto, free_port, patient_s

SITE = ROOT / "deploy/xinbei"


@dataclass
class Gateway:
    """The gateway's own process over stores in a folder."""

    folder: Path
    broker: Mosquitto | None = None
    process: subprocess.Popen[bytes] | None = None
    port: int = 0
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(ROOT),
            "SMARTBIN_SITE": str(SITE),
            **({"SMARTBIN_MQTT_URL": self.broker.url} if self.broker else {}),
            "SMARTBIN_TELEMETRY_URL": f"sqlite:///{self.folder}/telemetry.db",
            "SMARTBIN_RECORDS_URL": f"sqlite:///{self.folder}/records.db",
            "SMARTBIN_QUARANTINE": str(self.folder / "quarantine"),
            "SMARTBIN_GATEWAY_HTTP": f"127.0.0.1:{self.port}",
            **self.settings,
        }

    def start(self) -> None:
        self.port = free_port()
        environment = {**os.environ, **self.environment()}
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway"], env=environment, stdout=log, stderr=log
            )

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(patient_s(30))

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=patient_s(5)
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            pass
        return 0, ""

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()
