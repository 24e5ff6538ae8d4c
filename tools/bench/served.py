"""The API's own process over stores in a folder, asked over HTTP on one kept connection."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any

from smartbin.database import Database
from smartbin.people.tokens import Role, Tokens
from tests.real import ROOT, free_port, until
from tools.bench.result import SITE

PUBLISHED_MAX_S = 90


@dataclass
class Asker:
    """Asks the API as the office does."""

    port: int
    token: str
    connection: HTTPConnection
    pid: int

    def get(self, path: str) -> bytes:
        """The whole answer to a question that must succeed."""
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            self.connection.request("GET", f"/api/v1/{path}", headers=headers)
            answer = self.connection.getresponse()
        except ConnectionError:  # the API ends what was idle for some seconds
            self.connection.close()
            self.connection.request("GET", f"/api/v1/{path}", headers=headers)
            answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body

    def json(self, path: str) -> Any:
        """The same, understood."""
        return json.loads(self.get(path))


@contextlib.contextmanager
def served(folder: Path, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Asker]:
    """Start the API, wait until it is ready, end it. ``settings`` are added to the environment."""
    records = f"sqlite:///{folder}/records.db"
    database = Database.open(records)
    database.prepare()
    token = Tokens(database).create(f"bench-{secrets.token_hex(4)}", Role.OFFICE)
    database.close()
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SMARTBIN_SITE": str(SITE),
        "SMARTBIN_TELEMETRY_URL": f"sqlite:///{folder}/telemetry.db",
        "SMARTBIN_RECORDS_URL": records,
        "SMARTBIN_QUARANTINE": str(folder / "quarantine"),
        "SMARTBIN_API_HTTP": f"127.0.0.1:{port}",
        **settings,
    }
    with (folder / "api.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"], env=environment, stdout=log, stderr=log
        )
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        until(lambda: _ready(process, port), "the API answers", 60)
        wait_published(port)
        yield Asker(port, token, connection, process.pid)
    finally:
        connection.close()
        process.terminate()
        process.wait(20)


def wait_published(port: int) -> None:
    """Until the API has published the figures of past days: it looks a year back once a day, some
    seconds after it started, while it answers.
    """

    def published() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines: list[str] = answer.read().decode().splitlines()
        return next(line for line in lines if line.startswith("smartbin_api_published_at_seconds"))

    before = published()
    until(lambda: published() != before, "past days' figures are published", PUBLISHED_MAX_S)


def processor_s(pid: int) -> float:
    """The processor time that a process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ready(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "the API ended; its log is in its folder"
    probe = HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.suppress(OSError), contextlib.closing(probe):
        probe.request("GET", "/readyz")
        return probe.getresponse().status == 200
    return False
