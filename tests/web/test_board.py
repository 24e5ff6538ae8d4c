"""A board that hangs on a wall for weeks: it survives the API, the day, and is read from afar."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from smartbin.core import calendar
from smartbin.facts.events import Deposit, Judge, LevelReading, Verdict
from smartbin.places import Registry
from tests.places.small import SHANGHAI, small_registry
from tests.real import patient_s
from tests.web.conftest import Screens, now_us, serving

pytestmark = pytest.mark.browser
# Every text that is shown: the smallest size, and the words that have it.
SMALLEST = """() => {
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  let smallest = [Infinity, ''];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || element.closest('.visually-hidden, title')) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < smallest[0]) smallest = [size, text];
  }
  return smallest;
}"""
OVERFLOWING = """() => [...document.querySelectorAll('main .panel, main .panel *')]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && !e.closest('svg'))
  .filter((e) => !['hidden', 'auto'].includes(getComputedStyle(e).overflowX))
  .filter((e) => !e.closest('.visually-hidden') && getComputedStyle(e).display !== 'inline')
  .map((e) => e.className + ': ' + e.textContent.slice(0, 60))"""


def weigh(screens: Screens, at_us: int, weight_g: int = 4_300) -> None:
    deposit = Deposit("bin-001", "kitchen", at_us, weight_g, Verdict.CORRECT, Judge.CAMERA)
    screens.keep([deposit])


def whole(screens: Screens) -> None:
    """Enough of everything for every panel to show what it shows."""
    now, hour_us = now_us(), calendar.US_PER_HOUR
    for device in ("bin-001", "bin-002"):
        heard = [
            LevelReading(device, "kitchen", now - n * hour_us - 9, 20, None, 9_000 - n)
            for n in range(31 * 24)
        ]
        deposits = [
            Deposit(device, "kitchen", now - n * 20_000_000, 12_345, Verdict.CORRECT, Judge.CAMERA)
            for n in range(1, 400)
        ]
        screens.keep([*heard, *deposits])


def test_a_board_survives_the_api_and_says_since_when_it_stands(screens: Screens) -> None:
    page = screens.open("/board/oak")
    state = page.locator("footer .state")
    expect(state).to_contain_text("数据截至")
    screens.stop()
    expect(state).to_contain_text("连接中断，图中数字截至")
    with serving(screens.parts, screens.port):
        expect(state).to_contain_text("数据截至", timeout=patient_s(40_000))
        weigh(screens, now_us())
        expect(page.locator(".feed li").first).to_contain_text("4.3 kg")


def test_a_board_begins_a_new_day_at_the_sites_midnight(screens: Screens) -> None:
    today = calendar.day_of(now_us(), SHANGHAI)
    midnight = datetime.combine(today, datetime.min.time(), SHANGHAI)
    weigh(screens, calendar.to_us(midnight) - 600_000_000)
    context = screens.context(theme="light", width=1920, height=1080)
    context.clock.install(time=midnight - timedelta(minutes=3))
    page = context.new_page()
    page.goto(f"{screens.url}/board/oak")
    expect(page.locator(".huge")).to_contain_text("4.3")
    expect(page.locator(".time")).to_contain_text("23:5")
    page.clock.fast_forward(200_000)
    expect(page.locator(".time")).to_contain_text("00:0")
    expect(page.locator(".huge")).to_contain_text("0.0")
    expect(page.locator(".today")).to_contain_text("昨天全天 4.3 kg")


def long_names() -> Registry:
    """The small site with names as long as real ones get."""
    found = small_registry()
    names = {"oak": "新北街道贻成豪庭一期北区分类示范社区", "elm": "晓镇家园东里第二居民委员会"}
    found.communities = {c.id: replace(c, name=names[c.id]) for c in found.communities.values()}
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_wall_is_read_from_five_metres_and_nothing_overflows(
    screens: Screens, language: str
) -> None:
    whole(screens)
    screens.stop()
    with serving(replace(screens.parts, registry=long_names()), screens.port):
        read(screens, language)


def read(screens: Screens, language: str) -> None:
    for width, height, least_px in ((1920, 1080, 24), (3840, 2160, 48), (390, 844, 13)):
        page: Page = screens.context(theme="light", width=width, height=height).new_page()
        for path in ("/board/oak", "/board"):
            page.goto(f"{screens.url}{path}?lang={language}")
            expect(page.locator(".feed li").first).to_be_visible()
            expect(page.locator(".ranks .dot").first).to_be_visible()
            size, text = page.evaluate(SMALLEST)
            assert size >= least_px - 0.5, (path, width, size, text)
            assert page.evaluate(OVERFLOWING) == [], (path, width)
            across = "document.documentElement.scrollWidth - window.innerWidth"
            assert page.evaluate(across) <= 0, (path, width)
        page.context.close()
