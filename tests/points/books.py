"""Accounts, deposits and settling for tests of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from smartbin.accounts.store import Accounts
from smartbin.accounts.tables import account
from smartbin.core import calendar
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit, Judge, Verdict
from smartbin.points.ledger import Booked, of_row
from smartbin.points.rules.load import load_tariffs
from smartbin.points.rules.tariff import Tariff, Tariffs
from smartbin.points.settle import Settler
from smartbin.points.tables import ledger, points_month
from smartbin.verdicts.store import HumanVerdicts
from tests.places.small import SHANGHAI, small_registry

DAY = date(2026, 11, 18)  # a Wednesday
NOW_US = calendar.start_us(date(2026, 11, 23), SHANGHAI)
HOUR_US = calendar.US_PER_HOUR
REGISTRY = small_registry()
_KITCHEN = {"deposit_points": 5, "kg_points": 10, "day_max": 2}
_RULES = {"pause_s": 600, "week_max_points": 120, "kitchen": _KITCHEN}
TARIFFS = Tariffs(
    [
        Tariff.model_validate(
            {
                "from": date(2024, 1, 1),
                "expiry_months": 0,
                "household": _RULES,
                "enterprise": {**_RULES, "week_max_points": 500},
            }
        )
    ]
)
TARIFF = """[[tariff]]
from = 2024-01-01
expiry_months = 0
[tariff.household]
pause_s = 600
week_max_points = 120
kitchen = {deposit_points = 5, kg_points = 10, day_max = 2}
[tariff.enterprise]
pause_s = 600
week_max_points = 500
kitchen = {deposit_points = 5, kg_points = 10, day_max = 2}
"""
HOME, OTHER = "11111111", "22222222"
TABLE = (
    "card,kind,community,from,to,account\n"
    f"H1,household,oak,2025-01-01,,{HOME}\n"
    f"H2,household,elm,2025-01-01,,{OTHER}\n"
)


@dataclass(frozen=True, slots=True)
class Books:
    """The records of a small site."""

    database: Database
    folder: Path

    def load(self, text: str = TABLE, now_us: int = NOW_US) -> None:
        path = self.folder / "accounts.csv"
        path.write_text(text, encoding="utf-8")
        Accounts(self.database).load(path, REGISTRY.communities, now_us)

    def keep(self, *deposits: Deposit, late_us: int = 0) -> None:
        """Each arrives that long after it happened."""
        lines = DepositLines(self.database, SHANGHAI)
        for arrived_us, some in groupby(deposits, lambda d: d.at_us + late_us):
            lines.append(list(some), arrived_us)

    def settle(
        self, now_us: int = NOW_US, tariffs: Tariffs = TARIFFS, cards_at_once: int = 300
    ) -> int:
        return Settler(self.database, REGISTRY, tariffs).settle(now_us, cards_at_once).entries

    def judge(self, deposit: Deposit, verdict: Verdict, now_us: int = NOW_US) -> None:
        judged = HumanVerdicts(self.database, SHANGHAI)
        judged.add(deposit, verdict, Judge.SUPERVISOR, "wang", "seen", now_us)

    def balance(self, code: str = HOME) -> int:
        with self.database.read() as db:
            asked = select(account.c.balance).where(account.c.code == code)
            return int(db.execute(asked).scalar_one())

    def entries(self, code: str | None = None) -> list[Booked]:
        asked = select(ledger).order_by(ledger.c.id)
        if code is not None:
            asked = asked.where(ledger.c.account == code)
        with self.database.read() as db:
            return [of_row(row) for row in db.execute(asked)]

    def check(self) -> None:
        """The sums that are kept with the entries are their sums."""
        t, total = points_month.c, func.sum(ledger.c.points)
        kept = func.sum(t.earned + t.adjusted - t.spent - t.expired)
        with self.database.read() as db:
            balances = [tuple(row) for row in db.execute(select(account.c.code, account.c.balance))]
            entries = db.execute(select(ledger.c.account, total).group_by(ledger.c.account))
            months = db.execute(select(t.account, kept).group_by(t.account))
            summed = {code: int(points) for code, points in entries}
            assert {code: int(points) for code, points in months} == summed
        assert dict(balances) == {code: summed.get(code, 0) for code, _ in balances}


def kitchen(n: int = 0, card: str = "H1", day: date = DAY, **more: Any) -> Deposit:
    """A kitchen deposit of 2 kg at hour n + 1 of a day, judged correct by the camera."""
    at_us = calendar.start_us(day, SHANGHAI) + (n + 1) * HOUR_US
    fields = {"weight_g": 2000, "verdict": Verdict.CORRECT, "judge": Judge.CAMERA, **more}
    return Deposit("bin-001", "kitchen", at_us, account=card, **fields)


def tariff_file(folder: Path) -> Path:
    """The same rules as TARIFFS, as an operator writes them."""
    path = folder / "tariff.toml"
    path.write_text(TARIFF, encoding="utf-8")
    assert load_tariffs(path).on(DAY) == TARIFFS.on(DAY)
    return path
