"""``smartbin jobs``: the jobs apart from the API, where an operator wants that."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, start_http_server

from smartbin.capabilities import JOBS as ALL_JOBS
from smartbin.core.command import Command, Group, add_print_config, now_us
from smartbin.core.settings import listening
from smartbin.database.command import opened
from smartbin.jobs.job import Ground
from smartbin.jobs.runner import JobRunner
from smartbin.live.tail import Tail
from smartbin.places.load import load
from smartbin.settings import SiteSettings
from smartbin.telemetry import open_reader

log = logging.getLogger("smartbin.jobs")


def _jobs(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = SiteSettings.read(environ)
    if args.print_config:
        print(settings.shown())
        return 0
    host, port = listening("SMARTBIN_JOBS_HTTP", settings.jobs_http, "127.0.0.1:8002")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    registry = load(settings.site)
    token = settings.telemetry_token.get_secret_value() or None
    reader = open_reader(settings.telemetry_url, registry.site.zone, token)
    database = opened(settings, float("inf"))
    metrics = CollectorRegistry()
    ground = Ground(registry, reader, database, now_us)
    runner = JobRunner(ALL_JOBS, ground, settings, metrics)
    server, _ = start_http_server(port, host, metrics)
    tail = Tail(database, [runner])
    runner.start()
    tail.start()
    log.info("jobs of %s; metrics at %s:%s", registry.site.id, host, port)
    stop.wait()
    tail.stop()
    runner.stop()
    server.shutdown()
    database.close()
    return 0


JOBS = Command(
    "jobs", Group.RUN, "settle, publish and the like, apart from the API", "单独运行定时任务",
    _jobs, add_print_config,
)  # fmt: skip
