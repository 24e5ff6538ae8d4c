"""The suite finds a broken adapter: every check can fail, and each wrong store is caught."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smartbin.core.errors import SecondTelling, StoreUnavailable
from smartbin.facts.events import Deposit, Fact, LevelReading
from smartbin.telemetry import TelemetryReader, TelemetryWriter, open_reader, open_writer
from tests.contract.checks import CHECKS, Store
from tests.contract.defects import ALONE
from tests.contract.model import Model

ZONE = ZoneInfo("Asia/Shanghai")
ZONES = (ZONE, ZoneInfo("Europe/London"))


class Wrong:
    """A right store behind a change to what it is given."""

    def __init__(self, inner: TelemetryWriter, change: Callable[[Sequence[Fact]], list[Fact]]):
        self.inner, self.change = inner, change

    def append(self, facts: Sequence[Fact]) -> None:
        self.inner.append(self.change(facts))

    def close(self) -> None:
        self.inner.close()


def forgets_duplicates() -> Callable[[Sequence[Fact]], list[Fact]]:
    count = iter(range(1, 1_000_000))
    return lambda facts: [replace(fact, at_us=fact.at_us + next(count)) for fact in facts]


def rounds_times(facts: Sequence[Fact]) -> list[Fact]:
    return [replace(fact, at_us=fact.at_us // 1_000_000 * 1_000_000) for fact in facts]


def loses_the_last_of_a_batch(facts: Sequence[Fact]) -> list[Fact]:
    return list(facts[:-1]) if len(facts) > 1 else list(facts)


def makes_missing_levels_empty(facts: Sequence[Fact]) -> list[Fact]:
    return [
        replace(f, level_pct=0) if isinstance(f, LevelReading) and f.level_pct is None else f
        for f in facts
    ]


def drops_the_item(facts: Sequence[Fact]) -> list[Fact]:
    return [replace(f, item=None) if isinstance(f, Deposit) else f for f in facts]


def loses_the_counter(facts: Sequence[Fact]) -> list[Fact]:
    return [replace(fact, seq=None) for fact in facts]


WRONG = {
    "forgets duplicates": forgets_duplicates(),
    "rounds times": rounds_times,
    "loses the last of a batch": loses_the_last_of_a_batch,
    "makes missing levels empty": makes_missing_levels_empty,
    "drops the item": drops_the_item,
    "loses the counter": loses_the_counter,
}


def same(reader: TelemetryReader) -> TelemetryReader:
    return reader


def fails(check: Callable[[Store], None], store: Store) -> bool:
    try:
        check(store)
    except (AssertionError, SecondTelling, StoreUnavailable):
        return True
    return False


def failed_by(kind: type[Model]) -> list[str]:
    """The checks that find it, in a zone without or in one with changing clocks."""
    found = []
    for name, check in CHECKS.items():
        stores = [(zone, kind(zone)) for zone in ZONES]
        if any(fails(check, Store(zone, store, partial(same, store))) for zone, store in stores):
            found.append(name)
    return found


def test_the_model_itself_is_right() -> None:
    assert failed_by(Model) == []


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_can_fail_alone(name: str) -> None:
    assert name in ALONE, "a new check: show in tests/contract/defects.py what it alone finds"
    assert failed_by(ALONE[name]) == [name]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_store_is_caught(name: str, tmp_path: Path) -> None:
    caught = []
    for n, (check_name, check) in enumerate(CHECKS.items()):
        url = f"sqlite:///{tmp_path}/{n}.db"
        writer, reader = open_writer(url, ZONE), open_reader(url, ZONE)
        if fails(check, Store(ZONE, Wrong(writer, WRONG[name]), partial(same, reader))):
            caught.append(check_name)
        reader.close()
        writer.close()
    assert caught
