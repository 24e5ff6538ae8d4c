"""The outbox: each fact told once, in the order of commits, bounded, and nobody's card in it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from smartbin.core import calendar
from smartbin.database import Database, outbox
from smartbin.database.outbox import START, OutboxKind, OutboxPosition
from smartbin.database.tables import outbox_fact
from smartbin.deposit_lines.news import FACTS_AT_ONCE, facts_of
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DeviceState,
    Fact,
    Item,
    Judge,
    LevelReading,
    Status,
    Verdict,
    identity,
)
from tests.places.small import SHANGHAI

AT_US = 1_763_893_925_120_183
NOW_US = AT_US + 60 * calendar.US_PER_S


def deposit(n: int, card: str | None = "K3f9Qz") -> Deposit:
    return Deposit("bin-001", "kitchen", AT_US + n, 100 + n, account=card)


def told(database: Database) -> list[Fact]:
    with database.read() as db:
        rows = outbox.rows_after(db, 0, 1000)
    return [fact for row in rows for fact in facts_of(row.kind, row.payload)]


def lines_of(database: Database, now_us: int = NOW_US) -> DepositLines:
    return DepositLines(database, SHANGHAI, lambda: now_us)


def test_what_anybody_may_see_of_each_kind_of_fact_is_told_and_once(database: Database) -> None:
    carded = Deposit(
        "bin-001", "recyclable", AT_US, 2**40, Verdict.INCORRECT, Judge.CAMERA, Item.PAPER, "卡-1"
    )
    collection = Collection("bin-002", "kitchen", AT_US + 5, 9_000, 1_000, "crew-a")
    level = LevelReading("bin-001", "kitchen", AT_US + 2, 97)
    fault = LevelReading("bin-001", "residual", AT_US + 2, None, "blocked")
    alarms = [
        Alarm("bin-001", "", AT_US + 3, type, active)
        for type, active in ((AlarmType.FIRE, True), (AlarmType.SMOKE, False))
    ]
    status = Status("bin-001", AT_US + 4, DeviceState.ONLINE)
    facts: list[Fact] = [carded, deposit(1, None), collection, level, fault, *alarms, status]
    for _ in range(2):
        lines_of(database).append(facts)
        lines_of(database).append([])
    wanted = {
        replace(carded, account=None, judge=None),
        deposit(1, None),
        replace(collection, crew=None),
        level,
        replace(fault, fault=None),
        *alarms,
    }
    assert Counter(told(database)) == Counter(wanted)
    with database.read() as db:
        assert "卡" not in "".join(row.payload for row in outbox.rows_after(db, 0, 99))


def test_of_a_doors_readings_only_the_newest_of_a_batch_is_told(database: Database) -> None:
    readings = [LevelReading("bin-001", "kitchen", AT_US + n, n) for n in (1, 3, 2)]
    other = LevelReading("bin-001", "residual", AT_US, 5)
    lines_of(database).append([*readings, other])
    assert set(told(database)) == {readings[1], other}


@pytest.mark.parametrize("card", ["K3f9Qz", None])
def test_a_fact_that_is_delivered_again_in_other_company_is_told_once(
    database: Database, card: str | None
) -> None:
    lines = lines_of(database)
    batches = [range(10), range(5, 20), range(20), [30, 30, 31], [31, 30, 32], range(600, 2000)]
    for batch in batches:
        lines.append([deposit(n, card) for n in batch])
    lines_of(database).append([deposit(n, card) for n in [3, 33]])  # another gateway
    counts = Counter(identity(fact)[3] - AT_US for fact in told(database))
    assert counts == Counter([*range(20), *range(30, 34), *range(600, 2000)])
    with database.read() as db:
        every = [facts_of(row.kind, row.payload) for row in outbox.rows_after(db, 0, 1000)]
    assert max(len(facts) for facts in every) == FACTS_AT_ONCE
    assert all(facts == sorted(facts, key=lambda fact: fact.at_us) for facts in every)


def test_gateways_beside_each_other_tell_once(database: Database) -> None:
    every = [deposit(n, None if n % 3 else f"K{n % 7}") for n in range(900)]

    def gateway(step: int) -> None:
        lines = lines_of(database)
        for start in range(0, len(every), 100):
            lines.append(every[start : start + 150][::step])

    threads = [threading.Thread(target=gateway, args=(step,)) for step in (1, -1, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(f.at_us for f in told(database)) == Counter(d.at_us for d in every)


def test_a_reader_misses_nothing_of_two_transactions_that_interleave(database: Database) -> None:
    """The one that begins to write first commits last: it must not be hidden behind the other."""
    position, seen = 0, list[Any]()

    def read() -> None:
        nonlocal position
        with database.read() as db:
            for row in outbox.rows_after(db, position, 10):
                position = row.id
                seen.append(row.content()["number"])

    def write(number: int) -> None:
        with database.write() as db:
            outbox.write(db, [(OutboxKind.REDEMPTION, {"number": number})], NOW_US)

    second = threading.Thread(target=write, args=(2,))
    with database.write() as db:
        outbox.write(db, [(OutboxKind.REDEMPTION, {"number": 1})], NOW_US)
        second.start()
        second.join(0.5)  # time enough to commit, if nothing held it back
        read()
    second.join(30)
    read()
    assert sorted(seen) == [1, 2]


def test_a_rolled_back_transaction_tells_nothing(database: Database) -> None:
    def fails() -> None:
        with database.write() as db:
            outbox.write(db, [(OutboxKind.REDEMPTION, {"number": 1})], NOW_US)
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert told(database) == []
    with database.read() as db:
        assert outbox.newest(db) == START


def test_old_rows_go_by_age_and_by_count_and_the_newest_stays(database: Database) -> None:
    old_us = NOW_US - outbox.KEPT_US - 1
    for n in range(3):
        lines_of(database, old_us).append([deposit(n, None)])
    for n in range(3, 8):
        lines_of(database).append([deposit(n, None)])
    with database.read() as db:
        rows = outbox.rows_after(db, 0, 99)
        assert outbox.follows(db, START) == (rows[0].id == 1)
    positions = [OutboxPosition(row.id, row.at_us) for row in rows]
    assert outbox.trim(database, NOW_US) == 3
    with database.read() as db:
        assert [row.id for row in outbox.rows_after(db, 0, 99)] == [row.id for row in rows[3:]]
        assert db.execute(select(outbox_fact.c.at_us)).all() == [(AT_US + n,) for n in range(3, 8)]
        assert [outbox.follows(db, p) for p in positions] == [False] * 3 + [True] * 5
        assert not outbox.follows(db, START)
        assert not outbox.follows(db, positions[-1]._replace(at_us=1)), "of another history"
    assert outbox.trim(database, NOW_US, rows_max=2) == 3
    assert outbox.trim(database, NOW_US + 2 * outbox.KEPT_US) == 1
    with database.read() as db:
        assert outbox.newest(db) == positions[-1]
        assert outbox.heads_after(db, 0, 9) == [(positions[-1], "deposit")]
