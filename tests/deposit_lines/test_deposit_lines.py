"""Deposit lines are kept once, and their card's day is marked as unsettled with them."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from smartbin.core import calendar
from smartbin.core.errors import BadInput, SecondTelling, StoreRefused, StoreUnavailable
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.deposit_lines.tables import deposit_line, unsettled
from smartbin.facts.events import Deposit, Item, Judge, Verdict
from tests.places.small import SHANGHAI
from tests.real import patient_s

AT_US = 1_763_893_925_120_183
DAY = calendar.day_of(AT_US, SHANGHAI).toordinal()


def test_lines_are_kept_once_and_every_batch_marks_their_days(database: Database) -> None:
    lines = DepositLines(database, SHANGHAI)
    deposit = Deposit("bin-001", "kitchen", AT_US, 1240, account="K3f9Qz", seq=1)
    nobody = Deposit("bin-001", "kitchen", AT_US + 1000, 1240, seq=2)
    lines.append([deposit, deposit, nobody])
    lines.append([deposit])
    lines.append([nobody])
    with database.read() as db:
        assert [(r.card, r.weight_g) for r in db.execute(select(deposit_line))] == [
            ("K3f9Qz", 1240)
        ]
        # A mark a batch: one that comes while a settler works outlives what it read before.
        assert [tuple(r) for r in db.execute(select(unsettled))] == [
            (1, "K3f9Qz", DAY, None),
            (2, "K3f9Qz", DAY, None),
        ]


def test_a_line_that_is_told_otherwise_stays_and_is_named(database: Database) -> None:
    lines = DepositLines(database, SHANGHAI)
    first = Deposit("bin-001", "kitchen", AT_US, 1240, account="K3f9Qz", seq=1)
    heavier, other_card = replace(first, weight_g=9), replace(first, account="L")
    new = replace(first, at_us=AT_US + 1000)
    for batch, named in (
        ([first, heavier], [heavier]),
        ([first], None),
        ([other_card, first, new], [other_card]),
    ):
        if named is None:
            lines.append(batch)
            continue
        with pytest.raises(SecondTelling) as told:
            lines.append(batch)
        assert told.value.facts == named
    with database.read() as db:
        kept = [(r.card, r.weight_g) for r in db.execute(select(deposit_line))]
    assert kept == [("K3f9Qz", 1240)] * 2


def test_every_field_comes_back_as_it_was(database: Database) -> None:
    kept = Deposit(
        *("bin-001", "recyclable", AT_US, 2**40, Verdict.INCORRECT, Judge.CAMERA, Item.PAPER),
        account="卡-1",
        volume_ml=5_200,
    )
    DepositLines(database, SHANGHAI).append([kept], AT_US + 7)
    with database.read() as db:
        assert [tuple(row) for row in db.execute(select(deposit_line))] == [
            (
                "bin-001",
                "recyclable",
                AT_US,
                "卡-1",
                DAY,
                2**40,
                "incorrect",
                "camera",
                "paper",
                5_200,
                AT_US + 7,
            )
        ]


def test_many_lines_a_batch_and_gateways_beside_each_other(database: Database) -> None:
    every = [
        Deposit("bin-001", "kitchen", AT_US + n, 100 + n, account=f"K{n % 97}") for n in range(3000)
    ]
    wrong: list[StoreUnavailable] = []

    def gateway(step: int) -> None:
        lines = DepositLines(database, SHANGHAI)
        for start in range(0, len(every), 500):
            batch = every[start : start + 500][::step]
            try:
                lines.append(batch)
            except StoreUnavailable as error:
                wrong.append(error)

    threads = [threading.Thread(target=gateway, args=(step,)) for step in (1, -1, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient_s(60))
    assert wrong == []
    with database.read() as db:
        count, weight_g = db.execute(
            select(func.count(), func.sum(deposit_line.c.weight_g)).select_from(deposit_line)
        ).one()
        marks = Counter(db.execute(select(unsettled.c.card)).scalars())
    assert (count, weight_g) == (3000, sum(d.weight_g for d in every))
    assert set(marks.values()) == {3 * 6}


def test_content_that_never_fits_is_refused(database: Database) -> None:
    with pytest.raises(StoreRefused):
        DepositLines(database, SHANGHAI).append(
            [Deposit("bin-001", "kitchen", AT_US, 2**70, account="K3f9Qz")]
        )


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "influx+http://x"])
def test_an_unknown_database_names_the_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="SMARTBIN_RECORDS_URL"):
        Database.open(url)
