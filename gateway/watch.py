"""What the gateway shows of itself: Prometheus metrics and readiness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.pipeline import Delivery
from smartbin import calendar
from smartbin.events import Fact
from smartbin.wire import Rejected

# Without progress for longer than this while messages wait, or without a broker, we are not ready.
STALLED_S = 30.0
MISSING_MAX = 10_000


class Sequences:
    """The message counters of one device: what was seen twice and what is missing (bounded)."""

    def __init__(self) -> None:
        self.highest: int | None = None
        self.missing: set[int] = set()

    def seen(self, seq: int) -> bool:
        """Note a counter; answers whether it was new."""
        if self.highest is None or not -MISSING_MAX < seq - self.highest < MISSING_MAX:
            self.highest, self.missing = seq, set()  # first sight, or the counter was reset
            return True
        if seq > self.highest:
            skipped = range(self.highest + 1, seq)
            if len(self.missing) + len(skipped) <= MISSING_MAX:
                self.missing.update(skipped)
            self.highest = seq
            return True
        if seq in self.missing:
            self.missing.remove(seq)
            return True
        return False


class Watch:
    """Counts what happens and says whether all is well. One thread writes, others only read."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._progress_us = now_us()
        self._problem = "no connection to the broker yet"
        self._sequences: dict[str, Sequences] = {}
        self.registry = registry = CollectorRegistry()
        name = "smartbin_gateway_{}".format
        self._received = Counter(name("received"), "Messages received", registry=registry)
        self._stored = Counter(name("stored"), "Facts durable", ["kind"], registry=registry)
        self._duplicates = Counter(
            name("duplicates"), "Messages whose counter was seen before", registry=registry
        )
        self._refused = Counter(
            name("refused"), "Messages put in quarantine", ["reason"], registry=registry
        )
        self._retries = Counter(name("retries"), "Store calls repeated", registry=registry)
        self._gaps = Gauge(
            name("missing_messages"), "Counters a device skipped", ["device"], registry=registry
        )
        self._delay_s = Histogram(
            name("delay_seconds"),
            "From the device's time to stored",
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600, 86400),
            registry=registry,
        )
        age = Gauge(name("progress_age_seconds"), "Since the last progress", registry=registry)
        age.set_function(self.progress_age_s)

    def received(self, deliveries: Sequence[Delivery]) -> None:
        """See gateway.pipeline.Watch."""
        self._received.inc(len(deliveries))

    def stored(self, pairs: Sequence[tuple[Fact, Delivery]]) -> None:
        """See gateway.pipeline.Watch."""
        if not pairs:
            return
        kinds: dict[str, int] = {}
        touched: set[str] = set()
        for fact, _ in pairs:
            kinds[fact.kind] = kinds.get(fact.kind, 0) + 1
            if fact.seq is not None:
                touched.add(fact.device)
                if not self._sequences.setdefault(fact.device, Sequences()).seen(fact.seq):
                    self._duplicates.inc()
        for kind, count in kinds.items():
            self._stored.labels(kind).inc(count)
        for device in touched:
            self._gaps.labels(device).set(len(self._sequences[device].missing))
        # The newest of a batch: backlogs are told apart from live delay by their age anyway.
        newest_us = max(fact.at_us for fact, _ in pairs)
        self._delay_s.observe(max(0, self._now_us() - newest_us) / calendar.US_PER_S)

    def refused(self, rejected: Sequence[Rejected]) -> None:
        """See gateway.pipeline.Watch."""
        for r in rejected:
            self._refused.labels(r.reason).inc()

    def retrying(self, why: str) -> None:
        """See gateway.pipeline.Watch."""
        self._retries.inc()
        self._problem = why

    def progress(self) -> None:
        """A turn of the loop is done and the session stands."""
        self._progress_us = self._now_us()
        self._problem = ""

    def disconnected(self) -> None:
        """There is no session with the broker."""
        self._problem = "no session with the broker (SMARTBIN_MQTT_URL)"

    def progress_age_s(self) -> float:
        """Seconds since the last progress."""
        return (self._now_us() - self._progress_us) / calendar.US_PER_S

    def trouble(self) -> str:
        """Why this gateway is not ready; "" when it is."""
        age_s = self.progress_age_s()
        if self._problem:
            return f"no progress for {age_s:.0f} s: {self._problem}"
        if age_s > STALLED_S:
            return f"no progress for {age_s:.0f} s: the loop is stuck"
        return ""


def serve(watch: Watch, host: str, port: int) -> ThreadingHTTPServer:
    """An HTTP server for /healthz, /readyz and /metrics; the caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(watch.registry), CONTENT_TYPE_LATEST)
            elif self.path == "/healthz":
                self._answer(200, b"ok\n")
            elif self.path == "/readyz":
                trouble = watch.trouble()
                self._answer(503 if trouble else 200, f"{trouble or 'ready'}\n".encode())
            else:
                self._answer(404, b"use /healthz, /readyz or /metrics\n")

        def _answer(self, code: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds; they are no news."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    return server
