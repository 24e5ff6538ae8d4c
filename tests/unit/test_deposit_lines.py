"""Deposit lines are kept once, and their card's day is marked as unsettled with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from smartbin import calendar
from smartbin.errors import BadInput, StoreRefused
from smartbin.events import Deposit
from smartbin.records import open_engine
from smartbin.records.deposits import DepositLines
from smartbin.records.schema import deposit_line, unsettled
from tests.places import SHANGHAI

AT_US = 1_763_893_925_120_183


def test_lines_are_kept_once_and_days_marked(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/records.db")
    lines = DepositLines(engine, SHANGHAI)
    deposit = Deposit("bin-001", "kitchen", AT_US, 1240, account="K3f9Qz", seq=1)
    nobody = Deposit("bin-001", "kitchen", AT_US + 1000, 1240, seq=2)
    lines.append([deposit, deposit, nobody])
    lines.append([deposit])
    lines.append([nobody])
    with engine.connect() as db:
        assert [(r.card, r.weight_g) for r in db.execute(select(deposit_line))] == [
            ("K3f9Qz", 1240)
        ]
        day = calendar.day_of(AT_US, SHANGHAI).toordinal()
        # One mark a batch and card-day; a repeated batch marks again, under an id of its own.
        marks = [(1, "K3f9Qz", day), (2, "K3f9Qz", day)]
        assert [tuple(r) for r in db.execute(select(unsettled))] == marks
    engine.dispose()


def test_content_that_never_fits_is_refused(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/records.db")
    with pytest.raises(StoreRefused):
        DepositLines(engine, SHANGHAI).append(
            [Deposit("bin-001", "kitchen", AT_US, 2**70, account="K3f9Qz")]
        )
    engine.dispose()


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "influx+http://x"])
def test_an_unknown_database_names_the_setting(url: str) -> None:
    with pytest.raises(BadInput, match="SMARTBIN_RECORDS_URL"):
        open_engine(url)
