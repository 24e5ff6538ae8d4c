"""InfluxDB: the drain of a backlog into it, against Telegraf on the same backlog and server, and a
year's statistics over six million deposits, asked over HTTP.

Needs SMARTBIN_TEST_INFLUXD, the path of influxd; SMARTBIN_BENCH_TELEGRAF names Telegraf.
SMARTBIN_BENCH_INFLUX=drain or =stats asks for one half.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from smartbin.places.load import load
from smartbin.telemetry import open_writer, setup
from tests.broker.process import Gateway
from tests.influx import HOW, Influxd, influxd
from tools.bench.backlog import EVERYTHING, Message, single_messages, stored
from tools.bench.result import SITE, Result
from tools.bench.stats import WINDOW, deposits_max, p95_ms, written_s, year_paths

SINGLES = 100_000
ROUNDS = 3
GROUP = "gateway"
LOOK_S = 0.1
SETTLE_MAX_S = 120
# A year's shards have long been compacted; ours must not wait four hours for it.
SETTLED = ("compact-full-write", "cache-snapshot-write")
OPTIONS = [part for name in SETTLED for part in (f"--storage-{name}-cold-duration", "5s")]
TELEGRAF = """
[agent]
  interval = "1s"
  round_interval = false
  metric_batch_size = 5000
  metric_buffer_limit = 200000
  flush_interval = "200ms"
  flush_jitter = "0s"
  precision = "1us"
  omit_hostname = true
  quiet = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{mqtt}"]
  topics = ["{topics}"]
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = 10000
  topic_tag = ""
  data_format = "json_v2"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "{topics}"
    tags = "_/_/site/device/_"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "deposit"
    timestamp_path = "at"
    timestamp_format = "2006-01-02T15:04:05.000Z07:00"
    [[inputs.mqtt_consumer.json_v2.tag]]
      path = "door"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "weight_g"
      type = "int"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "seq"
      type = "int"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "verdict"
      type = "string"
      optional = true
[[outputs.influxdb_v2]]
  urls = ["{server}"]
  token = "{token}"
  organization = "{org}"
  bucket = "{bucket}"
"""


def measures() -> Iterator[Result]:
    """The drains and their ratios, then the statistics."""
    if not os.environ.get("SMARTBIN_TEST_INFLUXD"):
        yield Result("InfluxDB", 0, "", how=f"left out: {HOW}")
        return
    halves = os.environ.get("SMARTBIN_BENCH_INFLUX", "drain stats").split()
    if "drain" in halves:
        yield from drains()
    if "stats" in halves:
        yield from year()


def drains() -> Iterator[Result]:
    """Telegraf, one gateway and two, in each round one after the other. Telegraf keeps telemetry
    alone; the gateway also keeps who deposited, so it is measured without cards as well.
    """
    program = os.environ.get("SMARTBIN_BENCH_TELEGRAF")
    if not program:
        yield Result("Telegraf", 0, "", how="left out: SMARTBIN_BENCH_TELEGRAF names none")
    neighbour = list[float]()
    ours: dict[tuple[str, float, str], list[float]] = defaultdict(list)
    with server_in_new_folder() as (_, server):
        buckets = count()
        cards = _Drain(server, list(single_messages(SINGLES)), buckets)
        alone = _Drain(server, list(single_messages(SINGLES, cards=False)), buckets)
        for _ in range(ROUNDS):
            if program:
                neighbour.append(cards.telegraf(program))
            for bench, kept in ((cards, "telemetry and records"), (alone, "telemetry alone")):
                ours["one gateway", 0.8, kept].append(bench.gateways(1))
                ours["two gateways", 1.3, kept].append(bench.gateways(2))
    if program:
        yield Result("Telegraf", statistics.median(neighbour), "events/s")
    for (what, asked, kept), rates in ours.items():
        name = f"{what} into InfluxDB, {kept}"
        yield Result(name, statistics.median(rates), "events/s")
        if program:
            ratios = [a / b for a, b in zip(rates, neighbour, strict=True)]
            yield Result(f"{name} / Telegraf", statistics.median(ratios), "x", asked)


class _Drain:
    """Drains of one backlog into fresh buckets of one server."""

    def __init__(self, server: Influxd, messages: list[Message], buckets: Iterator[int]) -> None:
        self._server = server
        self._messages = messages
        self._buckets = buckets

    def telegraf(self, program: str) -> float:
        """Events a second."""
        with stored(self._messages, "telegraf") as (broker, folder), self._bucket() as bucket:
            text = TELEGRAF.format(
                mqtt=broker.port, topics=EVERYTHING, server=self._server.server,
                token=self._server.token, org=self._server.org, bucket=bucket,
            )  # fmt: skip
            (folder / "telegraf.conf").write_text(text, encoding="utf-8")
            with (folder / "telegraf.log").open("wb") as log:
                process = subprocess.Popen(
                    [program, "--config", str(folder / "telegraf.conf")], stdout=log, stderr=log
                )
            try:
                return self._rate(bucket)
            finally:
                process.terminate()
                process.wait(30)

    def gateways(self, number: int) -> float:
        """Events a second of this many gateways; what each deposit must leave is checked."""
        names = [f"gateway-{n}" for n in range(number)]
        topics = EVERYTHING if number == 1 else f"$share/{GROUP}/{EVERYTHING}"
        with (
            stored(self._messages, *names, topics=topics) as (broker, folder),
            self._bucket() as bucket,
        ):
            gateways = []
            for name in names:
                (folder / name).mkdir()
                gateway = Gateway(folder / name, broker)
                gateway.settings = {
                    "SMARTBIN_MQTT_CLIENT_ID": name,
                    "SMARTBIN_MQTT_SHARE": GROUP if number > 1 else "",
                    "SMARTBIN_TELEMETRY_URL": self._server.url_of(bucket),
                    "SMARTBIN_TELEMETRY_TOKEN": self._server.token,
                    "SMARTBIN_RECORDS_URL": f"sqlite:///{folder}/records.db",
                }
                gateways.append(gateway)
            # Looked at from before they start: one is done in less time than a start is waited for.
            with ThreadPoolExecutor() as pool:
                rate = pool.submit(self._rate, bucket)
                try:
                    list(pool.map(Gateway.start, gateways))
                    return rate.result()
                finally:
                    for gateway in gateways:
                        gateway.end(signal.SIGTERM)

    def _rate(self, bucket: str) -> float:
        """From what was there when the first look saw something, to the last one stored."""
        first = self._when(bucket, lambda n: n > 0)
        last = self._when(bucket, lambda n: n >= SINGLES)
        assert last[1] == SINGLES, "nothing lost, nothing twice"
        return (last[1] - first[1]) / (last[0] - first[0])

    def _when(self, bucket: str, enough: Callable[[int], bool]) -> tuple[float, int]:
        flux = (
            f'from(bucket: "{bucket}") |> range(start: 0) |> filter(fn: (r) => '
            'r._measurement == "deposit" and r._field == "weight_g") |> count() |> group() |> sum()'
        )
        deadline_s = time.perf_counter() + 120
        with self._server.client() as client:
            while time.perf_counter() < deadline_s:
                tables = client.query_api().query(flux)
                found = sum(record.get_value() for table in tables for record in table.records)
                if enough(found):
                    return time.perf_counter(), found
                time.sleep(LOOK_S)
        raise AssertionError("the backlog is not drained within two minutes")

    @contextlib.contextmanager
    def _bucket(self) -> Iterator[str]:
        name = f"drain{next(self._buckets)}"
        list(setup(self._server.url_of(name), self._server.token, 0))
        yield name


def year() -> Iterator[Result]:
    """A community's year in all and by day, and the ranking."""
    registry = load(SITE)
    with server_in_new_folder(*OPTIONS) as (folder, server):
        url = server.url_of("year")
        list(setup(url, server.token, 0))
        writer = open_writer(url, registry.site.zone, server.token)
        number = deposits_max()
        per_s = number / written_s(writer, registry, number)
        yield Result("deposits appended to InfluxDB", per_s, "rows/s", how=f"{number:,}")
        settle(server)
        settings = {
            "SMARTBIN_TELEMETRY_URL": url,
            "SMARTBIN_TELEMETRY_TOKEN": server.token,
        }
        questions = (
            ("community's year, total, p95", year_paths(registry, "total"), 100),
            ("community's year, day, p95", year_paths(registry, "day"), 250),
            ("ranking of the communities over a year, p95",
             [f"communities/ranking?by=accuracy&{WINDOW}"] * 40, 500),
        )  # fmt: skip
        for what, paths, asked in questions:
            ms = p95_ms(folder, paths, settings)
            yield Result(f"InfluxDB: {what}", ms, "ms", asked, at_most=True)


@contextlib.contextmanager
def server_in_new_folder(*options: str) -> Iterator[tuple[Path, Influxd]]:
    """A server, and a folder for it."""
    with (
        tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name,
        influxd(Path(name) / "influxd", *options) as server,
    ):
        yield Path(name), server


def settle(server: Influxd) -> None:
    """Wait until the server has nothing left to compact: it has been idle for five seconds."""
    assert server.process is not None
    stat = Path(f"/proc/{server.process.pid}/stat")
    deadline_s, quiet = time.monotonic() + SETTLE_MAX_S, 0
    spent = 0
    while time.monotonic() < deadline_s and quiet < 10:
        fields = stat.read_text(encoding="utf-8").rpartition(") ")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        quiet = quiet + 1 if ticks - spent <= 3 else 0
        spent = ticks
        time.sleep(1)
