"""Accounts come from a table: all or nothing, every mistake with its line, again is nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from smartbin.accounts.store import Accounts, Imported, masked
from smartbin.core import calendar
from smartbin.core.errors import BadInput
from smartbin.core.scope import EVERYTHING
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.deposit_lines.tables import unsettled
from smartbin.facts.events import Deposit
from tests.places.small import SHANGHAI

HEADER = "card,kind,community,from,to,account\n"
FIRST = """\
H1,household,oak,2026-01-01,,
H2,household,oak,2026-01-01,2026-06-30,
H2,household,elm,2026-07-01,,
E1,enterprise,elm,2026-01-01,,shop-0001
"""
COMMUNITIES = ("oak", "elm")


def table(folder: Path, rows: str, header: str = HEADER) -> Path:
    path = folder / "accounts.csv"
    path.write_text(header + rows, encoding="utf-8-sig")
    return path


def load(database: Database, folder: Path, rows: str, now_us: int = 1) -> Imported:
    return Accounts(database).load(table(folder, rows), COMMUNITIES, now_us)


def test_a_table_becomes_accounts_and_again_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    assert load(database, tmp_path, FIRST) == Imported(3, 4, 0, 0)
    accounts = Accounts(database)
    every = {a.code: a for a in accounts.all()}
    assert load(database, tmp_path, FIRST, 2) == Imported(0, 0, 0, 4)
    assert {a.code: a for a in accounts.all()} == every
    code = accounts.of_card("H2", date(2026, 3, 1))
    assert code is not None
    assert code == accounts.of_card("H2", date(2026, 8, 1)) != accounts.of_card("H1", date.max)
    assert code.isdigit()
    assert len(code) == 8
    moved = accounts.get(code)
    assert moved is not None
    assert (moved.kind, moved.balance) == ("household", 0)
    assert moved.community(date(2026, 6, 30)) == "oak"
    assert moved.community(date(2026, 7, 1)) == "elm"
    assert moved.community(date(2025, 1, 1)) == "oak"
    shop = accounts.get("shop-0001")
    assert shop is not None
    assert shop.kind == "enterprise"
    assert masked(code) == f"{code[:2]}***{code[-1]}"
    assert masked(code[:7]) == masked("1234") == "***", "at least five characters stay hidden"
    assert accounts.get("nobody") is None
    assert accounts.of_card("H1", date(2025, 12, 31)) is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("H 1,household,oak,2026-01-01,,\n", r"accounts.csv:2: card 'H 1' is not a card code; use"),
        (
            "H1,person,oak,2026-01-01,,\n",
            r"accounts.csv:2: kind 'person' is unknown; use household",
        ),
        ("H1,household,oka,2026-01-01,,\n", r"accounts.csv:2: community 'oka' is not in the reg"),
        (
            "H1,household,oak,1.1.2026,,\n",
            r"accounts.csv:2: from '1.1.2026' does not begin with the year",
        ),
        ("H1,household,oak,2026-01-01,,x\n", r"accounts.csv:2: account 'x' is not an account code"),
        ("H1,household,oak,2026-01-01,2025-01-01,\n", r"accounts.csv:2: to 2025-01-01 lies before"),
        (
            "H1,household,oak,2026-01-01,,\nH1,household,elm,2026-05-01,,\n",
            r"accounts.csv:3: card H1 is in oak .* and in elm .* at once; end the first one",
        ),
        (
            "H1,household,oak,2026-01-01,,\nH1,household,oak,2026-01-01,2026-05-01,\n",
            r"accounts.csv:3: card H1 begins on 2026-01-01 twice; keep one",
        ),
        (
            "H1,household,oak,2026-01-01,,home-1\nH9,household,elm,2026-03-01,,home-1\n",
            r"accounts.csv:3: account home-1 is in oak",
        ),
        (
            "H1,household,oak,2026-01-01,,home-1\nH9,enterprise,oak,2026-03-01,,home-1\n",
            r"accounts.csv:3: account home-1 is household, not enterprise; mend the kind",
        ),
        (
            "H1,household,oak,2026-01-01,,\nH1,household,oak,2026-01-01,,\n",
            r"accounts.csv:3: the row stands at accounts.csv:2 too; remove one",
        ),
        (
            "cardA1,household,oak,2026-01-01,,\ncarda1,household,oak,2026-01-01,,\n",
            r"accounts.csv:3: card carda1 differs from card cardA1 in upper and lower case only",
        ),
        (
            "1.20104E+17,household,oak,2026-01-01,,\n",
            r"accounts.csv:2: card '1.20104E\+17' is a lo",
        ),
        (
            "120104199001011000,household,oak,2026-01-01,,\n",
            r"accounts.csv:2: card .* is a long num",
        ),
        (
            "11010519491231002X,household,oak,2026-01-01,,\n",
            r"accounts.csv:2: card looks like a res",
        ),
    ],
)
def test_a_mistake_names_its_line_and_remedy_and_nothing_is_kept(
    database: Database, tmp_path: Path, rows: str, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        load(database, tmp_path, rows + "OK,household,oak,2026-01-01,,\n")
    assert list(Accounts(database).all()) == []


def test_a_card_of_eighteen_digits_that_is_nobodys_identity_number_is_taken(
    database: Database, tmp_path: Path
) -> None:
    assert load(database, tmp_path, "110105194912310021,household,oak,2026-01-01,,\n").accounts == 1


@pytest.mark.parametrize("typed", ["shop", "SHOP", "Shop-0001"])
def test_an_account_is_found_in_any_case_on_both(
    database: Database, tmp_path: Path, typed: str
) -> None:
    load(database, tmp_path, FIRST)
    found = Accounts(database).page(EVERYTHING, date(2026, 3, 1), prefix=typed)
    assert [one.code for one in found] == ["shop-0001"]
    assert Accounts(database).page(EVERYTHING, date(2026, 3, 1), prefix="%") == []


def test_a_known_card_in_another_case_is_refused(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "cardA1,household,oak,2026-01-01,,\n")
    with pytest.raises(BadInput, match="card CARDA1 differs from card cardA1"):
        load(database, tmp_path, "CARDA1,household,oak,2026-02-01,,\n")


def test_a_file_that_is_no_table_is_a_sentence(database: Database, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no column community"):
        Accounts(database).load(table(tmp_path, "", "card,kind,from,to\n"), COMMUNITIES, 1)
    with pytest.raises(BadInput, match="cannot be read"):
        Accounts(database).load(tmp_path / "none.csv", COMMUNITIES, 1)


def test_a_changed_row_changes_its_holding_and_marks_its_days(
    database: Database, tmp_path: Path
) -> None:
    day = date(2026, 8, 3)
    at_us = calendar.start_us(day, SHANGHAI)
    lines = [Deposit("bin-001", "kitchen", at_us, 500, account=card) for card in ("H1",)]
    DepositLines(database, SHANGHAI).append(lines)
    assert marks(database) == [("H1", None)]
    load(database, tmp_path, "H1,household,oak,2026-01-01,,\n")
    assert marks(database) == [("H1", None), ("H1", "card")]
    load(database, tmp_path, "H1,household,oak,2026-01-01,2026-08-02,\n", 2)
    assert marks(database) == [("H1", None), ("H1", "card"), ("H1", "card")]
    assert Accounts(database).of_card("H1", day) is None
    code = Accounts(database).of_card("H1", date(2026, 8, 2))
    load(database, tmp_path, "H1,household,elm,2026-08-03,,\n", 3)
    assert Accounts(database).of_card("H1", day) == code


def test_a_lost_card_is_replaced_and_the_account_stays(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, FIRST)
    accounts, day = Accounts(database), date(2026, 9, 1)
    code = accounts.replace_card("H1", "H1b", day, 2)
    assert accounts.replace_card("H1", "H1b", day, 3) == code, "asking again changes nothing"
    assert accounts.of_card("H1", date(2026, 8, 31)) == code == accounts.of_card("H1b", day)
    assert accounts.of_card("H1", day) is None
    with pytest.raises(BadInput, match="NEW: card H2 is another account's"):
        accounts.replace_card("H1b", "H2", day, 4)
    with pytest.raises(BadInput, match="OLD: card H1 ended on 2026-08-31"):
        accounts.replace_card("H1", "H1c", date(2026, 9, 5), 4)
    with pytest.raises(BadInput, match="OLD: card H7 is nobody's"):
        accounts.replace_card("H7", "H1c", day, 4)
    with pytest.raises(BadInput, match="NEW: 'a b' is not a card code"):
        accounts.replace_card("H1b", "a b", day, 4)


def marks(database: Database) -> list[tuple[str, str | None]]:
    with database.read() as db:
        rows = db.execute(select(unsettled.c.card, unsettled.c.why).order_by(unsettled.c.id))
        return [(card, why) for card, why in rows]
