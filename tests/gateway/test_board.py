"""What an operator and Prometheus are told, by a clock of the test's own."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.delivery import Delivery
from gateway.http import ALIVE_WITHIN_S, READY_WITHIN_S, Board, serve
from gateway.meters import Meters
from smartbin.facts.events import Deposit
from smartbin.quarantine.store import Quarantine
from tests.real import patient_s

pytestmark = pytest.mark.process

ONE = Delivery("smartbin/v1/xinbei/bin-001/deposit", b"{}", 0, 1, 1, False)


@dataclass
class Link:
    problem: str | None = None


@dataclass
class Site:
    """A gateway's meters and board, and the seconds that its clock shows."""

    folder: Path
    now_s: float = 0.0
    link: Link = field(default_factory=Link)

    def __post_init__(self) -> None:
        self.meters = Meters(lambda: self.now_s, lambda: round(self.now_s * 1e6))
        self.board = Board(self.meters, Quarantine(self.folder), self.link)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{self.address}{path}", timeout=patient_s(5)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @contextlib.contextmanager
    def served(self) -> Iterator[Site]:
        server = serve(self.board, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path).served() as made:
        yield made


def test_a_loop_that_hangs_is_to_be_restarted_one_that_waits_is_not(site: Site) -> None:
    site.now_s = ALIVE_WITHIN_S
    assert site.get("/healthz") == (200, "alive\n")
    site.now_s += 1
    assert site.get("/healthz") == (503, f"the loop has hung for {ALIVE_WITHIN_S + 1:.0f} s\n")
    site.meters.blocked("telemetry", "away")
    assert site.get("/healthz") == (200, "alive\n"), "to wait for a store is to live"
    site.now_s += ALIVE_WITHIN_S + 1
    site.meters.received([])
    assert site.get("/healthz") == (200, "alive\n")


def test_messages_that_do_not_move_are_said_with_what_is_in_the_way(site: Site) -> None:
    assert site.get("/readyz") == (200, "ready\n")
    site.now_s = 100.0
    site.meters.received([ONE, ONE])
    site.now_s += READY_WITHIN_S
    assert site.get("/readyz") == (200, "ready\n")
    site.now_s += 1
    waited = f"2 messages wait, no progress for {READY_WITHIN_S + 1:.0f} s"
    assert site.get("/readyz") == (503, f"{waited}: the stores take long\n")
    site.meters.blocked("records", "the database is locked")
    assert site.get("/readyz") == (503, f"{waited}: records: the database is locked\n")
    site.meters.unblocked()
    site.meters.acknowledged([])
    assert site.get("/readyz") == (200, "ready\n")


def test_a_store_waited_for_at_the_start_and_a_broker_away_are_said(site: Site) -> None:
    site.link.problem = "cannot reach the broker"
    assert site.get("/readyz") == (503, "no messages can come: cannot reach the broker\n")
    assert "smartbin_gateway_connected 0.0" in site.get("/metrics")[1]
    site.meters.blocked("telemetry", "not there yet")
    said = "a store is waited for: telemetry: not there yet\n"
    assert site.get("/readyz") == (503, said)
    site.link.problem = None
    assert "smartbin_gateway_connected 1.0" in site.get("/metrics")[1]


def test_another_path_says_which_there_are(site: Site) -> None:
    assert site.get("/") == (404, "use /healthz, /readyz or /metrics\n")


def test_a_gateway_that_shares_the_work_shows_no_gaps(site: Site) -> None:
    deposits = [Deposit("bin-001", "kitchen", 1000 + seq, 1, seq=seq) for seq in (1, 4)]
    site.meters.acknowledged(deposits)
    assert 'missing_messages{device="bin-001"} 2.0' in site.get("/metrics")[1]
    shared = Meters(lambda: 0.0, lambda: 0, gaps=False)
    shared.acknowledged(deposits)
    text = Board(shared, Quarantine(site.folder), site.link).metrics().decode()
    assert 'facts_stored_total{kind="deposit"} 2.0' in text
    assert "missing_messages" not in text


def test_a_quarantine_that_cannot_be_read_hides_no_other_metric(site: Site) -> None:
    assert "quarantine_used_ratio 0.0" in site.get("/metrics")[1]
    gone = site.folder / "gone"
    text = Board(site.meters, Quarantine(gone), site.link).metrics().decode()
    assert "quarantine_used_ratio" not in text
    gone.touch()
    text = Board(site.meters, Quarantine(gone), site.link).metrics().decode()
    assert "quarantine_used_ratio" not in text
    assert "smartbin_gateway_messages_received_total" in text
