"""The order of ``pump``, and what it does when a store is away, refuses, or it is asked to stop."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway import gate
from gateway.backoff import Backoff
from gateway.delivery import Delivery
from gateway.gate import FACTS_AN_HOUR, Gate
from gateway.meters import Meters
from gateway.pipeline import BATCH_MAX, PAUSE_MAX_S, WAIT_S, Pipeline, Stopped
from smartbin.core.errors import StoreRefused, StoreUnavailable
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.deposit_lines.tables import deposit_line
from smartbin.facts.events import Deposit, Fact
from smartbin.facts.wire import Decoder, Rejected, topic_of
from smartbin.quarantine.store import Quarantine
from smartbin.telemetry.sqlite.source import SqliteSource
from smartbin.telemetry.sqlite.writer import SqliteWriter
from tests.places.small import small_registry

NOW_US = 1_780_000_000_000_000
DECODER = Decoder(small_registry())
AT = "2026-05-28T20:26:40Z"
HEAVY_G, CURSED_G = 777, 888


def delivery(n: int, *, account: str | None = None, weight_g: int = 5) -> Delivery:
    event = {"at": AT, "seq": n, "door": "kitchen", "weight_g": weight_g, "account": account}
    payload = json.dumps(event).encode()
    return Delivery(topic_of("testsite", "bin-001", "deposit"), payload, NOW_US, n, 1, False)


class Site:
    """Source, stores and quarantine in one, which write down what is asked of them, in order."""

    def __init__(self, deliveries: Sequence[Delivery], away: int = 0, stop_after: int = 99) -> None:
        self.deliveries, self.away, self.stop_after = list(deliveries), away, stop_after
        self.did: list[Any] = []
        self.idle_s: list[float] = []
        self.aside: list[Rejected] = []
        self.meters = Meters(lambda: float(len(self.did)), lambda: NOW_US)
        self.obstacles: list[str | None] = []
        self.pipeline = Pipeline(
            self,
            DECODER,
            _Store(self, "telemetry", lambda d: d.weight_g == HEAVY_G),
            _Store(self, "records", lambda d: d.weight_g == CURSED_G and d.account is not None),
            self,
            self.meters,
            Backoff(0.5, 4.0, random.Random(1)),
            self._stopping,
            Gate("testsite", ["bin-001"]),
        )

    def receive(self, batch_max: int, wait_s: float) -> list[Delivery]:
        self.did.append(("receive", batch_max, wait_s))
        return self.deliveries

    def idle(self, wait_s: float) -> None:
        self.obstacles.append(self.meters.obstacle)
        self.idle_s.append(wait_s)

    def ack(self, deliveries: Iterable[Delivery]) -> None:
        self.did.append(("ack", [d.packet_id for d in deliveries]))

    def add(self, rejected: Sequence[Rejected]) -> None:
        self.try_("quarantine")
        self.aside += rejected
        self.did.append(("quarantine", [r.reason for r in rejected]))

    def try_(self, name: str) -> None:
        if self.away > 0:
            self.away -= 1
            raise StoreUnavailable(f"{name} is away")

    def _stopping(self) -> bool:
        return len(self.idle_s) >= self.stop_after


class _Store:
    def __init__(self, site: Site, name: str, refuses: Callable[[Deposit], bool]) -> None:
        self.site, self.name, self.refuses = site, name, refuses

    def append(self, facts: Sequence[Fact]) -> None:
        self.site.try_(self.name)
        refused = [f for f in facts if isinstance(f, Deposit) and self.refuses(f)]
        if refused:
            raise StoreRefused(f"{refused[0].weight_g} g")
        self.site.did.append((self.name, [f.seq for f in facts]))


def test_a_batch_is_kept_in_telemetry_then_in_records_then_acknowledged() -> None:
    bad = Delivery("nowhere", b"{}", NOW_US, 9, 1, False)
    site = Site([delivery(1), delivery(2, account="K"), bad])
    assert site.pipeline.pump() == 3
    assert site.did == [
        ("receive", BATCH_MAX, WAIT_S),
        ("quarantine", ["bad_topic"]),
        ("telemetry", [1, 2]),
        ("records", [1, 2]),
        ("ack", [1, 2, 9]),
    ]
    meters = site.meters
    assert (meters.messages, meters.waiting, +meters.stored) == (3, 0, {"deposit": 2})
    assert +meters.refused == {"bad_topic": 1}
    assert not +meters.retries


def test_a_device_that_floods_is_set_aside_unread_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "FACTS_AN_HOUR", 3)
    other = Delivery(topic_of("testsite", "point-01", "status"), b"{}", NOW_US, 9, 1, False)
    site = Site([delivery(n) for n in range(5)] + [other])
    assert site.pipeline.pump() == 6
    assert site.did[2] == ("telemetry", [0, 1, 2])
    assert [r.reason for r in site.aside] == ["flood", "flood", "bad_field"]
    assert [r.payload for r in site.aside[:2]] == [delivery(3).payload, delivery(4).payload]
    assert site.did[-1] == ("ack", [0, 1, 2, 3, 4, 9])
    an_hour_later = NOW_US + 3_600_000_000
    site.deliveries = [delivery(7)._replace(received_at_us=an_hour_later)]
    site.pipeline.pump()
    assert ("telemetry", [7]) in site.did


def test_refused_messages_of_a_flood_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FACTS_AN_HOUR", 3)
    topic = topic_of("testsite", "bin-001", "deposit")
    site = Site([Delivery(topic, b"{%d" % n, NOW_US, n, 1, False) for n in range(5)])
    site.pipeline.pump()
    assert [r.reason for r in site.aside] == ["bad_json"] * 3 + ["flood"] * 2


def test_a_week_that_a_bin_could_not_send_passes() -> None:
    reports_an_hour, doors, deposits_an_hour = 120, 4, 200
    assert (reports_an_hour * doors + deposits_an_hour) * 24 * 7 < FACTS_AN_HOUR


def test_nothing_to_keep_asks_no_store() -> None:
    site = Site([])
    assert site.pipeline.pump() == 0
    assert site.did == [("receive", BATCH_MAX, WAIT_S), ("ack", [])]


def test_an_old_last_will_is_skipped_and_a_new_one_kept() -> None:
    topic, will = topic_of("testsite", "bin-001", "status"), b'{"state":"offline"}'
    site = Site([Delivery(topic, will, NOW_US, n, 1, n != 2) for n in (0, 1, 2)] + [delivery(3)])
    retained_status = json.dumps({"at": AT, "seq": 4, "state": "online"}).encode()
    site.deliveries.append(Delivery(topic, retained_status, NOW_US, 4, 1, True))
    assert site.pipeline.pump() == 5
    assert site.did[1] == ("telemetry", [None, 3, 4])
    assert site.did[-1] == ("ack", [0, 1, 2, 3, 4])
    assert site.meters.old_wills == 2


@pytest.mark.parametrize("away", [1, 3])
def test_a_store_that_is_away_is_tried_until_it_answers(away: int) -> None:
    site = Site([delivery(1, account="K")], away=away)
    site.pipeline.pump()
    assert site.did[1:] == [("telemetry", [1]), ("records", [1]), ("ack", [1])]
    assert +site.meters.retries == {"telemetry": away}
    assert set(site.obstacles) == {"telemetry: telemetry is away"}
    assert site.meters.obstacle is None
    assert all(0 < s <= PAUSE_MAX_S for s in site.idle_s)


def test_a_quarantine_that_is_full_holds_the_batch_back_and_is_named() -> None:
    site = Site([Delivery("nowhere", b"{}", NOW_US, 1, 1, False)], away=2)
    site.pipeline.pump()
    assert site.did[1:] == [("quarantine", ["bad_topic"]), ("ack", [1])]
    assert +site.meters.retries == {"quarantine": 2}
    assert set(site.obstacles) == {"quarantine: quarantine is away"}


def test_the_wait_grows_is_cut_into_pieces_and_begins_anew_after_a_success() -> None:
    site = Site([delivery(1)], away=4)
    site.pipeline.pump()
    expected = Backoff(0.5, 4.0, random.Random(1))
    longest_s = [expected.next_s() for _ in range(4)]
    pieces = []
    for wait_s in longest_s:
        while wait_s > 0:
            pieces.append(min(wait_s, PAUSE_MAX_S))
            wait_s -= PAUSE_MAX_S
    assert site.idle_s == pieces
    assert len(pieces) > 4
    site.idle_s, site.away = [], 1
    site.pipeline.pump()
    assert len(site.idle_s) == 1
    assert site.idle_s[0] <= 0.5


def test_asked_to_stop_while_a_store_is_away_it_acknowledges_nothing() -> None:
    site = Site([delivery(1)], away=10**6, stop_after=2)
    with pytest.raises(Stopped):
        site.pipeline.pump()
    assert [what[0] for what in site.did] == ["receive"]
    assert len(site.idle_s) == 2


def test_what_telemetry_refuses_stands_alone_in_quarantine_and_reaches_no_record() -> None:
    deliveries = [delivery(n, account="K", weight_g=HEAVY_G if n == 3 else 5) for n in range(1, 6)]
    site = Site(deliveries)
    site.pipeline.pump()
    kept = [seq for what, seqs in site.did[1:-1] if what == "telemetry" for seq in seqs]
    assert kept == [1, 2, 4, 5]
    assert [seqs for what, seqs in site.did[1:-1] if what == "records"] == [[1, 2, 4, 5]]
    topic, payload, *_ = deliveries[2]
    told = Rejected(topic, payload, NOW_US, "store_refused", "", f"telemetry: {HEAVY_G} g")
    assert site.aside == [told]
    assert site.did[-2:] == [("quarantine", ["store_refused"]), ("ack", [1, 2, 3, 4, 5])]
    assert +site.meters.refused == {"store_refused": 1}


def test_what_records_refuse_is_kept_in_telemetry_and_set_aside() -> None:
    deliveries = [
        delivery(1, account="K"),
        delivery(2, account="K", weight_g=CURSED_G),
        delivery(3, weight_g=CURSED_G),  # nobody's: it has no line to be refused
        delivery(4, account="K", weight_g=HEAVY_G),
    ]
    site = Site(deliveries)
    site.pipeline.pump()
    kept = [seq for what, seqs in site.did[1:-1] if what == "telemetry" for seq in seqs]
    assert kept == [1, 2, 3]
    assert [seqs for what, seqs in site.did[1:-1] if what == "records"] == [[1], [3]]
    details = [(r.payload, r.detail) for r in site.aside]
    assert details == [
        (deliveries[1].payload, f"records: {CURSED_G} g"),
        (deliveries[3].payload, f"telemetry: {HEAVY_G} g"),
    ]


def test_a_batch_with_two_refused_events_is_set_aside_once() -> None:
    events = [
        {"kind": "deposit", "at": AT, "seq": n, "door": "kitchen", "weight_g": HEAVY_G}
        for n in (1, 2)
    ]
    payload = json.dumps({"events": events}).encode()
    topic = topic_of("testsite", "bin-001", "batch")
    site = Site([Delivery(topic, payload, NOW_US, 1, 1, False)])
    site.pipeline.pump()
    assert [r.payload for r in site.aside] == [payload]


def test_a_second_telling_is_a_conflict_in_telemetry_and_ledger_alike(tmp_path: Path) -> None:
    """Over real stores: two deposits of one second from a clock of whole seconds, seq 1 and 1001;
    another weight; a card that the first telling did not have; and the same once more.
    """
    site, zone = Site([]), small_registry().site.zone
    database = Database.open(f"sqlite:///{tmp_path}/records.db")
    shelf = Quarantine(tmp_path / "quarantine", ["bin-001"])
    writer = SqliteWriter(tmp_path / "telemetry.db", zone)
    lines = DepositLines(database, zone)
    pipeline = replace(site.pipeline, telemetry=writer, records=lines, quarantine=shelf)
    first, came_round = delivery(1, account="K"), delivery(1001, account="K")
    heavier, nobodys = delivery(1, account="K", weight_g=9), delivery(2)
    other_card = delivery(1, account="L")
    for batch in ([first, came_round, nobodys], [heavier, first], [other_card, first], [nobodys]):
        site.deliveries = batch
        pipeline.pump()
    writer.close()
    source = SqliteSource(tmp_path / "telemetry.db", zone)
    kept = [(f.seq, f.weight_g) for f in source.facts(0, 2**62) if isinstance(f, Deposit)]
    source.close()
    assert sorted(kept) == [(1, 5), (2, 5)]
    with database.read() as db:
        booked = db.execute(select(deposit_line.c.card, deposit_line.c.weight_g)).all()
    database.close()
    assert [tuple(line) for line in booked] == [("K", 5)]
    conflicts = [(k.rejected.payload, k.rejected.reason) for k in shelf]
    told_otherwise = (came_round, heavier, other_card)
    assert conflicts == [(d.payload, "conflict") for d in told_otherwise]
    assert +site.meters.refused == {"conflict": 3}
    assert "was told before with other content" in next(iter(shelf)).rejected.detail
