"""Real history from CSV: columns are mapped, mistakes are named."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from simulator.__main__ import main
from simulator.replay import Columns, make_site, messages, read
from smartbin.core.errors import BadInput
from smartbin.facts import wire
from smartbin.facts.events import Collection, Fact, LevelReading, identity
from smartbin.facts.wire import Decoder
from smartbin.places.load import load

COLUMNS = Columns("when", "bin", "kg", "kg", "full", "where")
HEADER = "when,bin,where,full,kg\n"
ROWS = (
    "2021-06-01 08:00,b-2,Harbour,80,4.5\n"
    "2021-06-01 07:00,b-1,Market,55,12.25\n"
    "2021-06-02 07:00,b-1,Market,,3\n"
)
ZONE = ZoneInfo("Europe/London")


def _file(folder: Path, text: str) -> Path:
    path = folder / "history.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_decoder_with_the_made_site_keeps_every_row(tmp_path: Path) -> None:
    rows = read(_file(tmp_path, HEADER + ROWS), COLUMNS, ZONE, 0)
    make_site(tmp_path / "site", "harbour", "Europe/London", "residual", rows)
    registry = load(tmp_path / "site")
    decoder = Decoder(registry)
    facts: list[Fact] = []
    for device, said in messages(rows, "residual"):
        topic = wire.topic_of("harbour", device, wire.kind_of(said))
        payload = wire.payload_of(wire.event_of(said))
        decoded = decoder.decode(topic, payload, 2**62)
        assert not decoded.rejected
        facts += decoded.facts
    taken = [(f.device, f.net_g) for f in facts if isinstance(f, Collection)]
    assert taken == [("b-1", 12250), ("b-2", 4500), ("b-1", 3000)]
    assert [f.level_pct for f in facts if isinstance(f, LevelReading)] == [55, 80]
    assert len({identity(f) for f in facts}) == 5
    assert registry.device("b-1").name == "Market"


def test_the_same_file_states_the_same_facts(tmp_path: Path) -> None:
    path = _file(tmp_path, HEADER + ROWS)
    once = list(messages(read(path, COLUMNS, ZONE, 0), "residual"))
    assert once == list(messages(read(path, COLUMNS, ZONE, 0), "residual"))


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("yesterday,b-1,M,5,1", "column when: 'yesterday' is not a time"),
        ("2021-06-01 08:00,B 1,M,5,1", "column bin: 'B 1' is not an id"),
        ("2021-06-01 08:00,b-1,M,5,much", "column kg: 'much' is not a weight"),
        ("2021-06-01 08:00,b-1,M,5,nan", "column kg: 'nan' is not a weight"),
        ("2021-06-01 08:00,b-1,M,5,-1", "column kg: '-1' lies outside"),
        ("2021-06-01 08:00,b-1,M,101,1", "column full: '101' is not a level"),
        ("2016-06-01 08:00,b-1,M,5,1", "--shift-days 1316"),
    ],
)
def test_a_bad_row_is_named_with_line_column_and_remedy(
    row: str, named: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as said:
        read(_file(tmp_path, f"{HEADER}{ROWS}{row}\n"), COLUMNS, ZONE, 0)
    assert "history.csv:5: " in str(said.value)
    assert named in str(said.value)


def test_a_time_without_an_offset_needs_a_zone(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--zone"):
        read(_file(tmp_path, HEADER + ROWS), COLUMNS, None, 0)


def test_a_missing_column_names_the_option_and_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"--weight: .*'kg'.*it has when,"):
        read(_file(tmp_path, "when,bin,where,full\n"), COLUMNS, ZONE, 0)


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["expect", "--from", "2026-11-02", "--to", "2026-11-01"], "--to: "),
        (["replay", "/nowhere.csv"], "FILE: "),
        (["accounts", "/nowhere/cards.csv"], "FILE: "),
        (["live", "--since", "2099-01-01T00:00:00Z"], "--since: "),
    ],
)
def test_bad_options_end_with_a_sentence(
    argv: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err.startswith(named)


@pytest.mark.parametrize(
    "argv",
    [
        ["live", "--speed", "fast"],
        ["backfill", "--days", "0"],
        ["backfill", "--faults", "awful"],
        ["expect", "--from", "2026-13-01", "--to", "2026-11-01"],
    ],
)
def test_bad_values_name_their_option(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    assert argv[-2] in capsys.readouterr().err or argv[1] in capsys.readouterr().err
