"""What a clerk or cron does about points, as typed at a prompt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from api.__main__ import main
from smartbin.accounts.commands import COMMANDS as ACCOUNTS
from smartbin.accounts.commands import accounts_command
from smartbin.accounts.store import Accounts
from smartbin.core.errors import BadInput
from smartbin.database import Database
from smartbin.points.commands import COMMANDS as POINTS
from smartbin.points.commands import month_command, settle_command
from smartbin.points.settle import Settler
from tests.places.small import small_registry
from tests.points.books import NOW_US, TARIFFS, Books, kitchen
from tests.real import ROOT

TABLE = "card,kind,community,from,to\nH1,household,oak,2025-01-01,\n"
Command = Callable[..., str]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    database = Database.open(f"sqlite:///{tmp_path}/records.db")
    database.prepare()
    return Books(database, tmp_path)


@pytest.fixture
def command(books: Books) -> Command:
    """Runs a command over the books of the test, at its own time."""
    every = {one.name: one for one in (*ACCOUNTS, *POINTS)}
    registry = small_registry()

    def run(verb: str, *words: str) -> str:
        args = every[verb].parser(verb).parse_args(words)
        if verb == "settle":
            return settle_command(args, Settler(books.database, registry, TARIFFS), NOW_US)
        act = month_command if verb == "month" else accounts_command
        return act(args, books.database, registry, NOW_US)

    return run


def test_from_a_table_to_a_closed_month(
    books: Books, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    assert command("accounts", "import", str(table)).startswith("1 accounts made, 1 rows new")
    assert command("accounts", "import", str(table)).startswith("0 accounts made, 0 rows new")
    books.keep(kitchen(0, day=date(2026, 10, 7)))
    assert command("settle").startswith("1 marks, 1 entries booked")
    assert command("settle").startswith("0 marks, 0 entries booked")
    assert command("settle", "--again", "2026-10-01", "2026-10-31").startswith("1 marks, 0 entries")
    said = command("accounts", "replace-card", "H1", "H1b", "--from", "2026-11-20")
    assert "uses card H1b from 2026-11-20" in said
    capsys.readouterr()
    command("accounts", "list")
    [header, *rows] = capsys.readouterr().out.splitlines()
    assert header == "card,kind,community,from,to,account,balance"
    code = Accounts(books.database).of_card("H1b", date(2026, 11, 20))
    assert rows == [
        f"H1,household,oak,2025-01-01,2026-11-19,{code},25",
        f"H1b,household,oak,2026-11-20,,{code},25",
    ]
    said = command("month", "close", "2026-10", "--folder", str(tmp_path / "months"))
    assert "points-2026-10.csv: 1 entries, 25 points" in said
    [file] = (tmp_path / "months").glob("*.csv")
    assert "agrees with the ledger" in command("month", "check", str(file))
    file.write_text(file.read_text("utf-8").replace(",25,", ",26,"), encoding="utf-8")
    with pytest.raises(BadInput):
        command("month", "check", str(file))


def test_what_is_listed_can_be_imported(books: Books, command: Command, tmp_path: Path,
                                        capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    books.load(TABLE)
    capsys.readouterr()
    command("accounts", "list")
    file = tmp_path / "list.csv"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert command("accounts", "import", str(file)).startswith(
        "0 accounts made, 0 rows new, 0 changed, 1 as they were"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("accounts", "import", "/nowhere/x.csv"), "cannot be read"),
        (("accounts", "replace-card", "H1", "H2"), "--from: say the new card's first day"),
        (("settle", "--again", "2026-10-02", "2026-10-01"), "swap them"),
        (("month", "close", "2026-11"), "is not over"),
        (("month", "check", "/nowhere/points-2026-10.csv"), "points-2026-10.csv"),
    ],
)
def test_mistakes_are_sentences(
    books: Books, command: Command, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        command(*words)


def test_a_program_refuses_a_tariff_that_names_an_unknown_community(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = (ROOT / "deploy/xinbei/tariff.toml").read_text(encoding="utf-8")
    path = tmp_path / "tariff.toml"
    path.write_text(f'{shipped}communities = ["nowhere"]\n', encoding="utf-8")
    monkeypatch.setenv("SMARTBIN_TARIFF", str(path))
    monkeypatch.setenv("SMARTBIN_SITE", str(ROOT / "deploy/xinbei"))
    monkeypatch.setenv("SMARTBIN_RECORDS_URL", f"sqlite:///{tmp_path}/records.db")
    assert main(["settle"]) != 0
    assert "communities is 'nowhere'" in capsys.readouterr().err
