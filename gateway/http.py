"""What the gateway shows of itself over HTTP: /healthz, /readyz, /metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from gateway.meters import DELAY_BOUNDS_S, Meters
from smartbin.core.errors import StoreUnavailable
from smartbin.quarantine.store import Quarantine

# A batch in hand for longer, or no session for longer, is not a hiccup.
READY_WITHIN_S = 5.0
# The loop comes round every second, also while a store or the broker is away.
ALIVE_WITHIN_S = 120.0


class Link(Protocol):
    """The session with the broker."""

    problem: str | None


class Board:
    """Meters, session and quarantine as an operator and Prometheus see them."""

    def __init__(self, meters: Meters, quarantine: Quarantine, link: Link) -> None:
        self._meters = meters
        self._quarantine = quarantine
        self._link = link
        self._registry = CollectorRegistry()
        self._registry.register(_Collector(meters, quarantine, link))

    def not_alive(self) -> str:
        """Why the process should be restarted; "" when it should not."""
        age_s = self._meters.since_turn_s()
        return f"the loop has hung for {age_s:.0f} s" if age_s > ALIVE_WITHIN_S else ""

    def not_ready(self) -> str:
        """Why messages do not move, in a sentence for the operator; "" when they do or none
        waits.
        """
        waited_s = self._meters.since_progress_s()
        if waited_s > READY_WITHIN_S:
            why = self._meters.obstacle or "the stores take long"
            n = self._meters.waiting
            return f"{n} messages wait, no progress for {waited_s:.0f} s: {why}"
        if self._meters.obstacle and not self._meters.waiting:
            return f"a store is waited for: {self._meters.obstacle}"
        if problem := self._link.problem:
            return f"no messages can come: {problem}"
        return ""

    def metrics(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)


class _Collector(Collector):
    def __init__(self, meters: Meters, quarantine: Quarantine, link: Link) -> None:
        self._meters, self._quarantine, self._link = meters, quarantine, link

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client: the metrics as of now."""
        m = self._meters
        yield _counter("messages_received", "Messages received, redelivered ones too", m.messages)
        yield _counters("facts_stored", "Facts made durable", "kind", m.stored)
        yield _counter("messages_duplicate", "Messages received before", m.duplicates)
        yield _counters("messages_refused", "Messages set aside in quarantine", "reason", m.refused)
        yield _counters("store_retries", "Attempts repeated, a store was away", "store", m.retries)
        yield _counter("old_wills_skipped", "Retained last wills, old news", m.old_wills)
        yield _counters(
            "refused_not_kept",
            "Refused messages beyond a device's share of the quarantine, counted and dropped",
            "device",
            self._quarantine.not_kept,
        )
        yield _counter(
            "dropped_verdicts", "Verdicts that devices gave in a person's name", m.dropped_verdicts
        )
        yield _counter(
            "conflicts", "Messages that differ from a fact already stored", m.refused["conflict"]
        )
        yield _gauge("batch_messages", "Messages in hand, not yet acknowledged", m.waiting)
        yield _gauge(
            "progress_age_seconds", "Since messages last moved, 0 when none waits",
            m.since_progress_s(),
        )  # fmt: skip
        yield _gauge("connected", "1 when subscribed", 0 if self._link.problem else 1)
        yield self._delays()
        if m.sequences is not None:
            missing = GaugeMetricFamily(
                "smartbin_gateway_missing_messages",
                "Counters not seen among a device's newest 4096",
                labels=["device"],
            )
            for device, count in m.sequences.missing().items():
                missing.add_metric([device], count)
            yield missing
        try:
            used = self._quarantine.used_share()
        except (OSError, StoreUnavailable):
            return
        yield _gauge("quarantine_used_ratio", "How much of its bound is used, 0 to 1", used)

    def _delays(self) -> Metric:
        total, buckets = 0, []
        bounds = [str(bound_s) for bound_s in DELAY_BOUNDS_S] + ["+Inf"]
        for bound, count in zip(bounds, list(self._meters.delays), strict=True):
            total += count
            buckets.append((bound, float(total)))
        delays = HistogramMetricFamily(
            "smartbin_gateway_delay_seconds", "From the device's time to stored"
        )
        delays.add_metric([], buckets, self._meters.delay_sum_us / 1e6)
        return delays


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"smartbin_gateway_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"smartbin_gateway_{name}", text, value=value)


def _counters(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(f"smartbin_gateway_{name}", text, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


def serve(board: Board, host: str, port: int) -> ThreadingHTTPServer:
    """Answer on a thread of its own; the caller ends it with ``shutdown`` and ``server_close``."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 5
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, board.metrics(), CONTENT_TYPE_LATEST)
            elif self.path == "/healthz":
                self._say(board.not_alive(), "alive")
            elif self.path == "/readyz":
                self._say(board.not_ready(), "ready")
            else:
                self._answer(404, b"use /healthz, /readyz or /metrics\n")

        def _say(self, trouble: str, well: str) -> None:
            self._answer(503 if trouble else 200, f"{trouble or well}\n".encode())

        def _answer(self, code: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds; they need no log line."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server
