"""What must be true when a seed's messages are gone: every fact kept exactly once, every refused
message set aside, every point equal to what an implementation of its own says.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

from smartbin.facts.events import Deposit, Fact, identity
from smartbin.quarantine.store import Quarantine, QuarantinedMessage
from smartbin.telemetry.sqlite.source import SqliteSource
from tests.oracle.points import oracle
from tests.places.small import SHANGHAI
from tests.points.books import Books
from tests.simulation.devices import in_telemetry
from tests.simulation.fate import Evil
from tests.simulation.site import CARDS, CLOCK_US, DECODER, POISONOUS_G, TARIFF, UNLUCKY_G
from tests.simulation.world import World

LINE = ("device", "door", "at_us", "card", "weight_g", "verdict", "judge", "item")
SAID = ("device", "door", "at_us", "verdict", "judge", "judged_at_us")
FOR_EVER = 2**60


def faults(world: World) -> list[str]:
    """What is not as it must be, in sentences."""
    shelf = list(Quarantine(world.machine.folder / "quarantine"))
    early = _early(world, shelf)
    kept = _telemetry(world)
    lines = _lines(world)
    return [
        *_kept_once(world, kept, early),
        *_lines_follow(world, kept, lines, early),
        *_set_aside(world, shelf, early),
        *_told_once(world, kept, lines),
        *_sums(world),
        *_points(world, lines),
    ]


def _early(world: World, shelf: list[QuarantinedMessage]) -> set[Any]:
    """The names of facts that a gateway whose clock was behind set aside as from the future."""
    return {
        identity(fact)
        for kept in shelf
        if kept.rejected.reason == "future_time"
        for fact in DECODER.decode(kept.rejected.topic, kept.rejected.payload, CLOCK_US).facts
    }


def _telemetry(world: World) -> Counter[Fact]:
    source = SqliteSource(world.machine.folder / "telemetry.db", SHANGHAI)
    try:
        return Counter(source.facts(0, FOR_EVER))
    finally:
        source.close()


def _rows(world: World, file: str, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(world.machine.folder / file)) as db:
        return db.execute(query).fetchall()


def _lines(world: World) -> list[tuple[Any, ...]]:
    return _rows(world, "records.db", f"SELECT {', '.join(LINE)} FROM deposit_line")


def _weight(fact: Fact) -> int:
    return fact.weight_g if isinstance(fact, Deposit) else 0


def _kept_once(world: World, kept: Counter[Fact], early: set[Any]) -> Iterator[str]:
    wanted = {in_telemetry(f): f for f in world.said.facts if _weight(f) != POISONOUS_G}
    for fact in wanted:
        if fact not in kept and identity(fact) not in early:
            yield f"lost in telemetry: {fact}"
    yield from (f"telemetry made up {fact}" for fact in kept if fact not in wanted)
    yield from (f"twice in telemetry: {fact}" for fact, times in kept.items() if times > 1)


def _lines_follow(
    world: World, kept: Counter[Fact], lines: list[tuple[Any, ...]], early: set[Any]
) -> Iterator[str]:
    wanted = {
        (f.device, f.door, f.at_us, f.account, f.weight_g, f.verdict, f.judge, f.item): f
        for f in world.said.facts
        if isinstance(f, Deposit) and f.account and f.weight_g not in (POISONOUS_G, UNLUCKY_G)
    }
    for row, fact in wanted.items():
        if row not in lines and identity(fact) not in early:
            yield f"lost in records: {fact}"
        if row in lines and in_telemetry(fact) not in kept:
            yield f"in records and not in telemetry: {fact}"
    yield from (f"records made up {row}" for row in lines if row not in wanted)
    yield from (f"twice in records: {row}" for row, times in Counter(lines).items() if times > 1)


def _set_aside(world: World, shelf: list[QuarantinedMessage], early: set[Any]) -> Iterator[str]:
    whole = [k for k in shelf if k.id]  # a line torn by a power cut was never acknowledged
    told = {(k.rejected.topic, k.rejected.payload) for k in whole}
    yield from (f"refused and nowhere: {m!r}" for m in world.said.poison - told)
    yield from (
        f"twice in quarantine: {i}" for i, n in Counter(k.id for k in whole).items() if n > 1
    )
    refused = {
        identity(fact)
        for k in whole
        if k.rejected.reason == "store_refused"
        for fact in DECODER.decode(k.rejected.topic, k.rejected.payload, CLOCK_US).facts
    }
    for fact in world.said.facts:
        heavy = _weight(fact) == POISONOUS_G
        heavy |= _weight(fact) == UNLUCKY_G and isinstance(fact, Deposit) and bool(fact.account)
        if heavy and identity(fact) not in refused | early:
            yield f"refused by a store and nowhere: {fact}"
    for k in whole:
        r = k.rejected
        fine = {
            "store_refused": any(
                _weight(fact) in (POISONOUS_G, UNLUCKY_G)
                for fact in DECODER.decode(r.topic, r.payload, CLOCK_US).facts
            ),
            "future_time": Evil.CLOCK in world.fate.struck,
        }
        if not fine.get(r.reason, (r.topic, r.payload) in world.said.poison):
            yield f"refused for nothing ({r.reason}): {r.payload!r}"


def _told_once(world: World, kept: Counter[Fact], lines: list[tuple[Any, ...]]) -> Iterator[str]:
    """The outbox names each fact that both stores have, once, and nobody's card."""
    told = Counter[Any]()
    for kind, payload in _rows(world, "records.db", "SELECT kind, payload FROM outbox"):
        columns = json.loads(payload)
        if kind not in ("deposit", "collection", "level", "alarm"):
            continue
        yield from (f"the outbox names {card}" for card in CARDS.values() if card in payload)
        for values in zip(*columns.values(), strict=True):
            row = dict(zip(columns, values, strict=True))
            name = f"alarm.{row['type']}" if kind == "alarm" else kind
            told[name, row["device"], row["door"], row["at_us"]] += 1
    yield from (f"told twice: {name}" for name, times in told.items() if times > 1)
    names = {identity(fact) for fact in kept}
    yield from (f"told and in no telemetry: {name}" for name in told if name not in names)
    by_card = {identity(f) for f in world.said.facts if isinstance(f, Deposit) and f.account}
    booked = {("deposit", *row[:3]) for row in lines}
    for kind, *key in names - set(told):
        name = (kind, *key)
        newest = max(n[3] for n in names if n[:3] == name[:3])
        if kind == "status" or (kind == "level" and name[3] < newest):
            continue  # of a door's readings only the newest is news
        if name not in by_card or name in booked:
            yield f"never told: {name}"


def _sums(world: World) -> Iterator[str]:
    """The days' totals are the sums of what is kept."""
    for total, parts in (
        ("sum(deposits), sum(weight_g) FROM deposit_day", "count(*), sum(weight_g) FROM deposit"),
        (
            "sum(messages) FROM presence",
            "count(*) FROM (SELECT seq FROM deposit UNION ALL SELECT seq FROM level UNION ALL "
            "SELECT seq FROM collection UNION ALL SELECT seq FROM status UNION ALL "
            "SELECT seq FROM alarm) WHERE seq IS NOT NULL",
        ),
    ):
        said, true = (_rows(world, "telemetry.db", f"SELECT {q}")[0] for q in (total, parts))
        if [n or 0 for n in said] != [n or 0 for n in true]:
            yield f"a roll-up says {said}, its facts {true}"


def _points(world: World, lines: list[tuple[Any, ...]]) -> Iterator[str]:
    deposits = [{**dict(zip(LINE, row, strict=True)), "category": row[1]} for row in lines]
    said = _rows(world, "records.db", f"SELECT {', '.join(SAID)} FROM judgement")
    keys = {row[:3] for row in said}
    yield from (f"a verdict is lost: {key}" for key in world.judged if key not in keys)
    since = date(2025, 1, 1)
    known = {
        code: {"kind": "household", "cards": [{"card": card, "from": since, "to": None}]}
        for code, card in CARDS.items()
    }
    verdicts = [dict(zip(SAID, row, strict=True)) for row in said]
    wanted = oracle(deposits, known, {"tariff": [TARIFF]}, verdicts)
    books = Books(world.machine.records[0], world.machine.folder)
    for code in CARDS:
        if books.balance(code) != wanted[code]:
            yield f"{code} has {books.balance(code)} points, {wanted[code]} are due"
    try:
        books.check()
    except AssertionError as error:
        yield f"a kept sum of the ledger is wrong: {error}"
