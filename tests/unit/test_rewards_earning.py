"""What a week of deposits earns: each limit from both sides, order-free, never over a cap."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from smartbin import calendar
from smartbin.events import Category
from smartbin.rewards import AccountKind, RewardDeposit, earned_in_week, load_tariffs

XINBEI = Path(__file__).parents[2] / "deploy" / "xinbei"
ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 9, 7)


def test_the_shipped_tariff_pays_kitchen_waste_by_deposit_and_by_kg() -> None:
    tariffs = load_tariffs(XINBEI / "tariff.toml")
    at_us = calendar.start_us(MONDAY, ZONE)
    deposit = RewardDeposit("bin-001", "kitchen", at_us, MONDAY, Category.KITCHEN, 1_290)
    (earned,) = earned_in_week(tariffs, AccountKind.HOUSEHOLD, [deposit, deposit])
    assert earned.points == 5 + 12
