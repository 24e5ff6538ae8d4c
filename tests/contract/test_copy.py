"""Copying a store into another: every answer is the same, however often it is stopped."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from gateway.__main__ import main
from smartbin.core.calendar import US_PER_DAY, US_PER_HOUR, Days, start_us
from smartbin.core.errors import StoreRefused, StoreUnavailable
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
    Span,
    Status,
    Verdict,
)
from smartbin.operator.copy import REASONS_MAX, copy_all
from smartbin.telemetry import open_reader, open_source, open_writer
from tests.contract.checks import FOREVER
from tests.contract.histories import DOORS, Question, answers
from tests.influx import Influx
from tests.places.small import SHANGHAI
from tests.real import ROOT

FIRST = date(2026, 3, 1)


def history(number: int = 3_000) -> list[Fact]:
    """Facts of every kind over ten days, a year's silence, and a last day."""
    chance = random.Random(3)
    begin_us = start_us(FIRST, SHANGHAI)
    facts: list[Fact] = []
    for n in range(number):
        at_us = begin_us + chance.randrange(10 * 24) * US_PER_HOUR + n
        if n > number - 100:
            at_us += 365 * US_PER_DAY
        door = chance.choice(DOORS)
        weight_g, pct, active = chance.randrange(9000), chance.randrange(101), n % 3 == 0
        judged = Deposit(
            *(*door, at_us, weight_g, Verdict.CORRECT, Judge.CAMERA, Item.GLASS),
            seq=n,
            volume_ml=n + 1,
        )
        kinds: list[Fact] = [
            judged,
            Deposit(*door, at_us, weight_g),
            LevelReading(*door, at_us, pct, None, n),
            LevelReading(*door, at_us, None, 'no "echo"\n\\'),
            Collection(*door, at_us, 900, 100, "truck-3", n),
            Status(door.device, at_us, DeviceState.ONLINE, 80, 12_000, -70, -5, "", n),
            Alarm(door.device, "", at_us, AlarmType.TILT, active, n),
            Alarm(*door, at_us, AlarmType.FIRE, active, n),
        ]
        facts.append(chance.choice(kinds))
    return facts


def all_answers(url: str, token: str | None = None) -> object:
    days = Days(FIRST, date(2027, 4, 30))
    spans = [Span(door, days) for door in DOORS]
    start, end = start_us(days.first, SHANGHAI), start_us(days.last, SHANGHAI)
    reader = open_reader(url, SHANGHAI, token)
    try:
        return answers(reader, Question(spans, start, end, start, 10_000, 80))
    finally:
        reader.close()


def command(source: str, target: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMARTBIN_SITE", str(ROOT / "deploy/xinbei"))
    state = ["--state", str(folder / "state.json")]
    assert main(["copy", "--from", source, "--to", target, *state]) == 0


@pytest.fixture
def filled(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/from.db"
    writer = open_writer(url, SHANGHAI)
    writer.append(history())
    writer.close()
    return url


@pytest.mark.real
def test_to_influxdb_and_back_every_answer_is_the_same(
    filled: str, influx_server: Influx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = f"sqlite:///{tmp_path}/back.db"
    monkeypatch.setenv("SMARTBIN_TELEMETRY_TOKEN", influx_server.token)
    with influx_server.buckets() as url:
        command(filled, url, tmp_path, monkeypatch)
        wanted = all_answers(filled)
        assert all_answers(url, influx_server.token) == wanted
        command(filled, url, tmp_path, monkeypatch)
        assert all_answers(url, influx_server.token) == wanted, "copied twice is copied once"
        command(url, back, tmp_path, monkeypatch)
    assert all_answers(back) == wanted


class Failing:
    """A store that is away after some appends."""

    def __init__(self, append: Callable[[Sequence[Fact]], None], times: int) -> None:
        self._append = append
        self._left = times

    def append(self, facts: Sequence[Fact]) -> None:
        if not self._left:
            raise StoreUnavailable("away")
        self._left -= 1
        self._append(facts)

    def close(self) -> None:
        pass


def test_stopped_again_and_again_it_goes_on_where_it_was(filled: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/to.db"
    source, target = open_source(filled, SHANGHAI), open_writer(url, SHANGHAI)
    state = tmp_path / "state.json"
    taken = 0
    for _ in range(100):
        before = state.read_text() if state.exists() else ""
        try:
            taken += copy_all(source, Failing(target.append, 10), state).facts
            break
        except StoreUnavailable:
            assert state.read_text() > before
    assert 0 < taken < 3_000, "the last start had only the rest to do"
    assert copy_all(source, target, state).facts == 0, "until it is told to forget"
    source.close()
    target.close()
    assert all_answers(url) == all_answers(filled)


def test_an_empty_store_is_copied_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    writer = open_writer(url, SHANGHAI)
    source = open_source(url, SHANGHAI)
    assert copy_all(source, writer, tmp_path / "state.json").facts == 0
    source.close()
    writer.close()


class Refusing:
    """A store that never takes some facts, and of a batch with one of them nothing."""

    def __init__(self, append: Callable[[Sequence[Fact]], None], never: Sequence[Fact]) -> None:
        self._append = append
        self._never = never

    def append(self, facts: Sequence[Fact]) -> None:
        if found := [fact for fact in facts if fact in self._never]:
            raise StoreRefused(f"no room for {found[0].at_us}")
        self._append(facts)

    def close(self) -> None:
        pass


def test_what_the_target_refuses_is_counted_and_all_else_copied(
    filled: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/to.db"
    source, target = open_source(filled, SHANGHAI), open_writer(url, SHANGHAI)
    every = list(source.facts(*FOREVER))
    never = every[5::400]
    assert len(never) > REASONS_MAX
    done = copy_all(source, Refusing(target.append, never), tmp_path / "state.json")
    assert (done.facts, done.refused) == (len(every) - len(never), len(never))
    assert len(done.reasons) == REASONS_MAX
    assert set(done.reasons) <= {f"no room for {fact.at_us}" for fact in never}
    target.append(never)
    source.close()
    target.close()
    assert all_answers(url) == all_answers(filled)


@pytest.mark.real
def test_what_influxdb_cannot_hold_ends_the_command_with_its_reason(
    influx_server: Influx,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = f"sqlite:///{tmp_path}/from.db"
    writer = open_writer(source, SHANGHAI)
    odd = Deposit("no tag ends in \\", "kitchen", start_us(FIRST, SHANGHAI), 100)
    writer.append([*history(50), odd])
    writer.close()
    (tmp_path / "token").write_text(f"{influx_server.token}\n")
    monkeypatch.setenv("SMARTBIN_SITE", str(ROOT / "deploy/xinbei"))
    with influx_server.buckets() as url:
        argv = ["copy", "--from", source, "--to", url, "--state", str(tmp_path / "state.json")]
        assert main([*argv, "--to-token-file", str(tmp_path / "token")]) == 1
        assert "50 facts copied, 1 refused" in capsys.readouterr().err


def test_options_that_cannot_be_right_are_a_sentence(
    filled: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SMARTBIN_SITE", str(ROOT / "deploy/xinbei"))
    state, target = tmp_path / "state.json", f"sqlite:///{tmp_path}/to.db"

    def refused(*more: str, to: str = target) -> str:
        assert main(["copy", "--from", filled, "--to", to, "--state", str(state), *more]) == 2
        return capsys.readouterr().err.strip().splitlines()[-1]

    assert "--from and --to name the same store" in refused(to=filled)
    nowhere = str(tmp_path / "none")
    assert f"{nowhere}: cannot be read" in refused("--from-token-file", nowhere)
    for torn in ("", "{}", "[]", '{"next_us": "soon"}', '{"next_us": null}'):
        state.write_text(torn)
        assert f"{state} does not say how far a copy came" in refused()
    made = open_source(target, SHANGHAI)
    assert made.extent(0) is None
    made.close()
