"""The dictionary holds to its format and to the safety rules of docs/dictionary.md."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from smartbin.facts.events import FOCUS_ITEMS, Category
from tests.learning.things import PATH, hits, read

THINGS = read()
BY_ID = {thing.id: thing for thing in THINGS}
COLUMNS = (
    "id,zh,en,category,category_zh,subclass,subclass_zh,aliases,pinyin,initials,prepare_zh,"
    "prepare_en,note_zh,focus,certainty,basis,safety"
)
OUTSIDE = "outside"
CATEGORIES = {
    Category.KITCHEN: "厨余垃圾",
    Category.RECYCLABLE: "可回收物",
    Category.HAZARDOUS: "有害垃圾",
    Category.RESIDUAL: "其他垃圾",
    OUTSIDE: "四分类之外",
}
# What burns or bursts when a lorry presses it, however it is called.
BURNS = re.compile(
    r"锂|CR2032|18650|充电宝|移动电源|电瓶|蓄电池|铅酸|电动车|电动自行车|滑板车|平衡车"
    r"|有油|未用尽|未燃|鼓包|破损的电池|煤气|液化气|氧气|汽油|电子烟|蓝牙|无线|无人机|智能手表"
    r"|手机$|^手机电池|笔记本电脑|平板电脑|电动牙刷|电动工具|扫地机器人|^一次性打火机"
)
# Named like them, and not one of them.
DIFFERENT = {
    "t0718": "an aerosol can that is not empty is hazardous waste in the usual lists",
    "t0597": "a brush head comes off the handle; the battery is in the handle",
}


def test_the_format_is_the_documented_one() -> None:
    text = PATH.read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == COLUMNS
    assert "\r" not in text
    page = Path("docs/dictionary.md").read_text(encoding="utf-8")
    assert all(f"`{column}`" in page for column in COLUMNS.split(","))
    for category in CATEGORIES:
        assert f"| `{category}` | {sum(t.category == category for t in THINGS)} |" in page
    for certainty in ("sure", "city", "unsure"):
        assert f"| `{certainty}` | {sum(t.certainty == certainty for t in THINGS)} |" in page
    aliases = sum(len(thing.aliases.split()) for thing in THINGS)
    assert f"{len(THINGS)} things and {aliases} aliases" in page


def test_every_row_is_whole() -> None:
    # Ids are given once: rows are appended, never taken out or moved.
    assert [thing.id for thing in THINGS] == [f"t{n:04d}" for n in range(1, len(THINGS) + 1)]
    for thing in THINGS:
        assert None not in thing.row, thing
        assert CATEGORIES[thing.category] == thing.category_zh, thing
        assert thing.certainty in {"sure", "city", "unsure"}, thing
        assert thing.basis in {"ordinance-class", "remainder", "general-knowledge"}, thing
        assert thing.safety in {"", "no_bin"}, thing
        assert thing.focus in {"", *FOCUS_ITEMS}, thing
        assert bool(thing.subclass) == bool(thing.subclass_zh), thing
        for column in ("zh", "en", "prepare_zh", "prepare_en"):
            assert thing.row[column] == thing.row[column].strip() != "", thing


def test_no_two_things_have_one_name() -> None:
    assert max(Counter(thing.zh for thing in THINGS).values()) == 1
    assert max(Counter(thing.en for thing in THINGS).values()) <= 2
    twice = {
        name
        for name, times in Counter(name for thing in THINGS for name in thing.names).items()
        if times > 1
    }
    for name in twice:  # two things may be called so where the answer is the same
        assert len({thing.category for thing in THINGS if name in thing.names}) == 1, name


def test_what_burns_goes_into_no_bin() -> None:
    found = [t for t in THINGS if any(BURNS.search(name) for name in t.names)]
    assert len(found) >= 25
    for thing in found:
        if thing.id not in DIFFERENT:
            assert (thing.category, thing.safety) == (OUTSIDE, "no_bin"), thing
    for thing in THINGS:
        if "内置" in thing.note_zh and "内置充电电池的不投箱体" not in thing.note_zh:
            assert thing.safety == "no_bin", thing
        if thing.safety == "no_bin":
            assert thing.category == OUTSIDE, thing


def test_a_thing_outside_is_found_by_its_everyday_name() -> None:
    burning = "充电宝 锂电池 电动车电池 电瓶 铅酸电池 手机 一次性打火机 鼓包电池"
    large = "家具 大件家具 电器 电子产品 装修垃圾 建筑垃圾 沙发 冰箱"
    for name in f"{burning} {large}".split():
        (thing,) = [thing for thing in THINGS if name in thing.names]
        assert thing.category == OUTSIDE, thing


def test_a_safe_way_never_leads_to_a_door() -> None:
    door = re.compile("投(入|进|放到)?“?(厨余垃圾|可回收物|有害垃圾|其他垃圾)")
    place = re.compile("联系|预约|交|指定|回收")
    into = re.compile(
        r"\b(hazardous|residual|recyclable|kitchen)( waste)? (bin|door)|into the [hrk]"
    )
    for thing in THINGS:
        if thing.category == OUTSIDE:
            assert not door.search(thing.prepare_zh), thing
            assert place.search(thing.prepare_zh), thing
            assert not into.search(thing.prepare_en.lower()), thing


# What a search for these words finds, as categories: the answer is a choice.
@pytest.mark.parametrize(
    ("word", "categories"),
    [
        ("电池", {"hazardous", OUTSIDE}),
        ("充电电池", {"hazardous", OUTSIDE}),
        ("纽扣电池", {"hazardous", OUTSIDE}),
        ("打火机", {"residual", OUTSIDE}),
        ("耳机", {"recyclable", OUTSIDE}),
        ("灯泡", {"hazardous", "residual"}),
        ("温度计", {"hazardous", "residual"}),
        ("牙刷", {"residual", OUTSIDE}),
    ],
)
def test_a_word_for_several_things_finds_all_of_them(word: str, categories: set[str]) -> None:
    found = hits(THINGS, word)
    assert {thing.category for thing in found} == categories
    if OUTSIDE in categories:
        assert any(thing.safety == "no_bin" for thing in found)
