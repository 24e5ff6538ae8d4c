"""The guide on /me in a real Chromium: where a thing goes, and what is said when nobody knows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.learning.things import read
from tests.web.conftest import Screens
from tests.web.test_wcag import violations

pytestmark = pytest.mark.browser
THINGS = read()
# What residents type: things, parts of names, typos, nonsense, English.
TYPED = """
电池 充电电池 纽扣电池 灯泡 温度计 打火机 耳机 牙刷 手机 电 瓶 纸 盒 充电宝 旧充电宝 废电池
电瓶车电池 锂 家具 沙发 装修垃圾 电子产品 外卖盒 茶叶 骨头 塑料袋 奶茶 尿不湿 鱼 玻璃
药 灯 气罐 油 表 车
恐龙蛋 量子计算机 阿斯顿 zzz ??? 不知道 battery batteries power phone lighter bottle qwerty
"""


def guide(screens: Screens, language: str = "zh") -> Page:
    page = screens.context(theme="light", width=360, height=780).new_page()
    page.goto(f"{screens.url}/me?lang={language}")
    expect(page.get_by_role("searchbox")).to_be_visible()
    return page


def answers(page: Page, query: str) -> Locator:
    """What the guide answers, when the dictionary is there."""
    page.get_by_role("searchbox").fill(query)
    expect(page.locator(".ask, .thing").first, query).to_be_visible()
    return page.locator(".thing")


def name_of(answer: Locator) -> str:
    return answer.locator("strong").inner_text().split(" ·")[0].strip()


def test_a_thing_is_answered_with_its_category_and_how_to_prepare_it(screens: Screens) -> None:
    page = guide(screens)
    first = answers(page, "剩菜").first
    expect(first).to_contain_text("厨余垃圾")
    expect(first).to_contain_text("沥干水分")
    dry = answers(page, "干电池").first
    expect(dry).to_contain_text("有害垃圾")
    expect(dry).to_contain_text("各地规定不同，以本市指导目录为准")
    assert violations(page) == []


def test_what_burns_goes_into_no_bin_and_its_safe_way_is_said(screens: Screens) -> None:
    page = guide(screens)
    first = answers(page, "充电宝").first
    expect(first).to_contain_text("不投入四类箱体")
    expect(first).to_contain_text("交电池回收点")
    expect(first).not_to_contain_text(re.compile("厨余垃圾|可回收物|有害垃圾|其他垃圾"))
    assert violations(page) == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    page = guide(screens, "en")
    first = answers(page, "power bank").first
    expect(first).to_contain_text("Into none of the four bins")
    expect(first).to_contain_text("collection point")


def test_no_query_answers_a_category_without_a_thing_of_it(screens: Screens) -> None:
    """The three safety rules over what residents type."""
    page = guide(screens)
    by_name = {thing.zh: thing for thing in THINGS}
    for query in TYPED.split():
        shown = [by_name[name_of(one)] for one in answers(page, query).all()]
        asked, guess = page.locator(".ask"), page.get_by_text("您要找的是不是")
        choice = page.get_by_text("要看是哪一种")
        if not shown or guess.count():
            expect(asked, query).to_contain_text(re.compile("先不要投放.*督导员"))
            continue
        assert asked.count() == 0, query
        assert choice.count() == (len({thing.category for thing in shown}) > 1), query
        if any(thing.safety for thing in shown):
            before = shown[: [bool(thing.safety) for thing in shown].index(True)]
            assert all(query in thing.names for thing in before), (query, [t.zh for t in shown])
        # Where a name is the query's own, it comes first.
        if any(query in thing.names for thing in shown):
            assert query in shown[0].names, query


@pytest.mark.parametrize(
    ("query", "first", "categories"),
    [
        ("电池", "outside", {"outside", "hazardous"}),
        ("充电电池", "outside", {"outside", "hazardous"}),
        ("纽扣电池", "outside", {"outside", "hazardous"}),
        ("打火机", "outside", {"outside", "residual"}),
        ("耳机", "outside", {"outside", "recyclable"}),
        ("灯泡", "residual", {"residual", "hazardous"}),
        ("牙刷", "residual", {"outside", "residual"}),
    ],
)
def test_a_word_for_several_things_is_a_choice(
    screens: Screens, query: str, first: str, categories: set[str]
) -> None:
    page = guide(screens)
    category = {thing.zh: thing.category for thing in THINGS}
    shown = [category[name_of(one)] for one in answers(page, query).all()]
    assert (shown[0], set(shown)) == (first, categories)
    expect(page.get_by_text("要看是哪一种")).to_be_visible()
    if query == "牙刷":
        assert shown[1] == "outside"


def test_an_unknown_thing_is_asked_about(screens: Screens) -> None:
    page = guide(screens)
    assert answers(page, "恐龙蛋").count() == 0
    expect(page.locator(".ask")).to_contain_text("先不要投放，请问社区督导员或社区工作人员")
    expect(page.locator(".ask")).not_to_contain_text("其他垃圾")
    assert violations(page) == []


def test_a_dictionary_that_cannot_be_read_answers_nothing(screens: Screens) -> None:
    context = screens.context(theme="light", width=360, height=780)
    context.route("**/dictionary-*.js", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{screens.url}/me")
    page.get_by_role("searchbox").fill("充电宝")
    expect(page.get_by_role("alert").last).to_contain_text("先不要投放")
    expect(page.locator(".thing")).to_have_count(0)
