"""A real InfluxDB 2 for tests: one server a session, a fresh pair of buckets a test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from influxdb_client.client.influxdb_client import InfluxDBClient

from smartbin.telemetry import setup
from smartbin.telemetry.influx.address import address_of
from tests.real import free_port, missing, patient_s, until

HOW = (
    "set SMARTBIN_TEST_INFLUXD to the path of influxd (https://docs.influxdata.com/influxdb/v2), "
    "or SMARTBIN_TEST_INFLUX_URL to influx+http://HOST:8086/?org=ORG&bucket=PREFIX and "
    "SMARTBIN_TEST_INFLUX_TOKEN to a token that may make buckets"
)
ORG = "smartbin"


class Influx:
    """A server that makes buckets. ``url_of`` names a pair of them."""

    def __init__(self, url: str, org: str, token: str, prefix: str = "test") -> None:
        self.server = url
        self.org = org
        self.token = token
        self._prefix = f"{prefix}_{os.getpid()}_"
        self._numbers = count()

    def url_of(self, bucket: str) -> str:
        return f"influx+{self.server}/?org={self.org}&bucket={bucket}"

    @contextmanager
    def buckets(self, levels_days: int = 0) -> Iterator[str]:
        """The URL of a fresh pair of buckets, gone afterwards. Levels are kept forever too: the
        tests' dates stand still while time goes on.
        """
        url = self.url_of(f"{self._prefix}{next(self._numbers)}")
        list(setup(url, self.token, levels_days))
        try:
            yield url
        finally:
            address = address_of(url)
            with self.client() as client:
                buckets = client.buckets_api()
                for name in (address.bucket, address.levels):
                    if found := buckets.find_bucket_by_name(name):
                        buckets.delete_bucket(found)

    def client(self) -> InfluxDBClient:
        """For what the product never does."""
        return InfluxDBClient(url=self.server, token=self.token, org=self.org, timeout=60_000)


class Influxd(Influx):
    """A server of our own, in a folder, on a port that stays the same when it is started again."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._program = os.environ.get("SMARTBIN_TEST_INFLUXD") or shutil.which("influxd")
        if not self._program:
            missing("InfluxDB 2", HOW)
        self.port = free_port()
        self._folder = folder
        self._options = options
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(f"http://127.0.0.1:{self.port}", ORG, os.urandom(16).hex())
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(self._program), "run", "--reporting-disabled", "--log-level", "warn"]
        command += ["--http-bind-address", f"127.0.0.1:{self.port}"]
        for option, name in (("bolt", "bolt"), ("engine", "engine"), ("sqlite", "sqlite")):
            command += [f"--{option}-path", str(self._folder / name)]
        with (self._folder / "influxd.log").open("ab") as log:
            self.process = subprocess.Popen([*command, *self._options], stdout=log, stderr=log)
        until(self.answers, f"influxd answers: {self._folder}/influxd.log", 60)

    def set_up(self) -> None:
        """Its first user, organisation and token."""
        asked = {
            "username": "tests",
            "password": os.urandom(16).hex(),
            "org": self.org,
            "bucket": "first",
            "token": self.token,
        }
        body = json.dumps(asked).encode()
        with urllib.request.urlopen(f"{self.server}/api/v2/setup", body, timeout=patient_s(30)):
            pass

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self._folder / "influxd.log").read_text()
        with (
            suppress(OSError),
            urllib.request.urlopen(f"{self.server}/health", timeout=patient_s(5)) as answer,
        ):
            return bool(answer.status == 200)
        return False

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(patient_s(60))
            self.process = None


@contextmanager
def influxd(folder: Path, *options: str) -> Iterator[Influxd]:
    """A server of our own, set up."""
    own = Influxd(folder, *options)
    try:
        own.start()
        own.set_up()
        yield own
    finally:
        own.end()


@contextmanager
def server() -> Iterator[Influx]:
    """The server that the environment names, or one of our own."""
    if given := os.environ.get("SMARTBIN_TEST_INFLUX_URL"):
        address = address_of(given)
        token = os.environ.get("SMARTBIN_TEST_INFLUX_TOKEN", "")
        yield Influx(address.url, address.org, token, address.bucket)
        return
    with tempfile.TemporaryDirectory(prefix="smartbin-influx-") as name, influxd(Path(name)) as own:
        yield own
