"""Rounds on both databases: bounds, and two phones at the same instant."""

from __future__ import annotations

import threading

import pytest

from smartbin.collection import store as rounds
from smartbin.collection.rules import Confirmation
from smartbin.collection.store import Outcome, Round, Rounds
from smartbin.core import calendar
from smartbin.core.errors import Conflict
from smartbin.database import Database
from smartbin.facts.events import Category
from tests.real import patient_s

NOW_US = 1_795_000_000_000_000
MINUTE_US = 60 * calendar.US_PER_S


def told(id: str, minute: int = 0, round: str = "r1", crew: str = "a") -> Confirmation:
    return Confirmation(id, round, crew, "bin-001", "kitchen", NOW_US + minute * MINUTE_US, None)


def begun(database: Database, *ids: str) -> Rounds:
    found = Rounds(database)
    for id in ids:
        found.start(Round(id, "a", Category.KITCHEN, NOW_US), NOW_US)
    return found


def test_of_two_phones_at_the_same_instant_one_is_kept_and_one_known(database: Database) -> None:
    records = begun(database, "r1", "r2")
    outcomes: list[Outcome] = []
    gate = threading.Barrier(8)

    def phone(n: int) -> None:
        gate.wait(patient_s(10))
        one = told(f"e{n}", round="r1" if n % 2 else "r2")
        outcomes.extend(k.outcome for k in records.keep([(one, None)], [], NOW_US))

    threads = [threading.Thread(target=phone, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient_s(30))
    assert sorted(outcomes) == [Outcome.KEPT] + [Outcome.KNOWN] * 7


def test_a_batch_sees_what_came_before_in_it(database: Database) -> None:
    records = begun(database, "r1")
    batch = [(told("a"), None), (told("a"), None), (told("b", 5), None), (told("c", 90), None)]
    kept = records.keep(batch, [], NOW_US)
    assert [k.outcome for k in kept] == ["kept", "kept", "known", "kept"]
    assert [t.what.id for t in records.told("r1")] == ["a", "b", "c"]


def test_a_round_holds_a_bounded_number(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "EMPTYINGS_MAX", 2)
    records = begun(database, "r1")
    kept = records.keep([(told(str(n), n * 60), None) for n in range(3)], [], NOW_US)
    assert [(k.outcome, k.reason) for k in kept][2] == (Outcome.CONFLICT, "round_full")
    assert len(records.told("r1")) == 2


def test_a_crew_begins_a_bounded_number_of_rounds_a_day(database: Database) -> None:
    records = begun(database, *(f"r{n}" for n in range(rounds.ROUNDS_A_DAY_MAX)))
    begun(database, "r0")  # again is once
    with pytest.raises(Conflict, match="go on with one"):
        begun(database, "one more")
    day_us = 24 * calendar.US_PER_HOUR
    records.start(Round("tomorrow", "a", Category.KITCHEN, NOW_US), NOW_US + day_us)


def test_one_crews_photos_never_make_room_for_anothers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PHOTOS_A_DAY_MAX", 2)
    monkeypatch.setattr(rounds, "PHOTOS_MAX", 5)
    records = begun(database, "r1")
    records.keep([(told(f"{n}", n * 60), None) for n in range(12)], [], NOW_US)
    day_us = 24 * calendar.US_PER_HOUR

    def put(n: int, crew: str, day: int) -> None:
        records.put_photo("r1", str(n), crew, b"jpeg", NOW_US + day * day_us + n)

    put(0, "honest", 0)
    for n in (1, 2):
        put(n, "greedy", 0)
    with pytest.raises(Conflict, match="2 a day and 5 in 92 days are kept"):
        put(3, "greedy", 0)
    put(1, "greedy", 0)  # told again
    put(4, "honest", 0)
    for n, day in ((3, 2), (5, 2), (6, 4)):
        put(n, "greedy", day)
    with pytest.raises(Conflict):
        put(7, "greedy", 6)  # as many as three months hold
    assert records.photographed("r1") == {"0", "1", "2", "3", "4", "5", "6"}
    put(7, "greedy", 93)
    assert records.photographed("r1") == {"3", "5", "6", "7"}  # age alone ends one
