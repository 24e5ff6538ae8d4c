"""Words and amounts, as residents read them, in Chinese and English."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from smartbin.accounts.rules import AccountKind
from smartbin.facts.events import Category, Item, Judge
from smartbin.points.rules.tariff import G_PER_KG


class Texts(NamedTuple):
    """The same sentence in Chinese and in English."""

    zh: str
    en: str


CATEGORY = {
    Category.KITCHEN: Texts("厨余垃圾", "kitchen waste"),
    Category.RECYCLABLE: Texts("可回收物", "recyclables"),
    Category.HAZARDOUS: Texts("有害垃圾", "hazardous waste"),
    Category.RESIDUAL: Texts("其他垃圾", "residual waste"),
}

KIND = {
    AccountKind.HOUSEHOLD: Texts("家庭", "Households"),
    AccountKind.ENTERPRISE: Texts("单位", "Enterprises"),
}

JUDGE = {
    Judge.CAMERA: Texts("摄像头", "camera"),
    Judge.SUPERVISOR: Texts("督导员", "supervisor"),
    Judge.INSPECTOR: Texts("巡查员", "inspector"),
}

ITEM = {
    Item.PAPER: Texts("纸类", "paper"),
    Item.PLASTIC: Texts("塑料", "plastic"),
    Item.METAL: Texts("金属", "metal"),
    Item.GLASS: Texts("玻璃", "glass"),
    Item.TEXTILE: Texts("织物", "textiles"),
    Item.GOODS_PACKAGING: Texts("商品包装", "goods packaging"),
    Item.DISPOSABLE_TABLEWARE: Texts("一次性餐具", "disposable tableware"),
    Item.EXPRESS_PACKAGING: Texts("快递包装", "express packaging"),
}


def kg(weight_g: int) -> str:
    """Grams as kilograms without needless zeros: 1240 -> "1.24", 10000 -> "10"."""
    whole, rest = divmod(weight_g, G_PER_KG)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")


def points(n: int) -> str:
    """``n`` points in English."""
    return f"{n} point" if abs(n) == 1 else f"{n} points"


def day_zh(day: date) -> str:
    """A day in Chinese: 2026年11月24日."""
    return f"{day.year}年{day.month}月{day.day}日"


def pause(pause_s: int) -> Texts:
    """A length of time in minutes, or in seconds where it has no whole ones."""
    if pause_s % 60:
        return Texts(f"{pause_s} 秒", f"{pause_s} seconds")
    n = pause_s // 60
    return Texts(f"{n} 分钟", f"{n} minute" if n == 1 else f"{n} minutes")
