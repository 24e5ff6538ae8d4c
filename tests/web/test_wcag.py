"""Every page and its states against WCAG 2.2 AA (axe-core), in both themes and both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from smartbin.core import calendar
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Deposit,
    DeviceState,
    Judge,
    LevelReading,
    Status,
    Verdict,
)
from smartbin.facts.wire import Decoder
from smartbin.people.codes import Codes
from smartbin.people.passwords import Passwords
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.points.redemptions import Redemptions
from smartbin.quarantine.store import Quarantine
from tests.places.small import SHANGHAI, small_registry
from tests.points.books import HOME, TABLE, Books
from tests.real import ROOT, missing
from tests.web.conftest import PASSWORD, Screens, now_us

pytestmark = pytest.mark.browser
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
LANGUAGES = ("zh", "en")
PUBLIC = (
    *("/", "/board", "/board/oak", "/board/nowhere", "/nowhere", "/sign-in"),
    *("/help", "/help/crew", "/help/resident", "/help/community", "/help/office"),
    *("/help/installer", "/help/nowhere", "/crew", "/me", "/office", "/account", "/password"),
)
OFFICE = (
    *("/office", "/office/community/oak", "/office/community/nowhere", "/office/device/bin-001"),
    *("/office/device/nowhere", "/office/accounts", f"/office/accounts/{HOME}"),
    *("/office/accounts/00000000", "/office/rewards", "/office/quarantine", "/account", "/me"),
    *("/password", "/office/doors", "/office/devices", "/office/verdicts", "/office/signals"),
    *("/office/registry", "/office/people"),
)
EMPTY = ("/board/oak", "/crew", "/office", "/office/community/oak", "/office/device/bin-001")
Act = Callable[[Page], None]


def violations(page: Page) -> list[str]:
    """What axe finds on a page as it stands."""
    if not AXE.is_file():
        missing("axe-core", "make web")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    # What passed is three quarters of an answer's time, and nobody reads it.
    found = page.evaluate("async rules => (await axe.run(document, rules)).violations", RULES)
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def in_both_themes(page: Page, where: str) -> list[str]:
    found = []
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        found += [f"{where} {theme}: {one}" for one in violations(page)]
    return found


def campaign(context: BrowserContext, url: str, paths: tuple[str, ...], act: Act) -> list[str]:
    """Every path in both languages and themes, after something was done there."""
    found = []
    page = context.new_page()
    for path in paths:
        for language in LANGUAGES:
            page.goto(f"{url}{path}?lang={language}")
            expect(page.locator("main")).to_be_visible()
            act(page)
            expect(page.locator(".loading")).to_have_count(0)
            found += in_both_themes(page, f"{path} {language}")
    return found


def as_it_is(_page: Page) -> None:
    """Nothing is done."""


@pytest.fixture
def filled(screens: Screens, tmp_path: Path) -> Screens:
    """A site where something of everything has happened."""
    registry, at_us = small_registry(), now_us()
    day_us = 24 * calendar.US_PER_HOUR
    deposits = [
        Deposit("bin-001", "kitchen", at_us - n * day_us // 4, 1_200 + n, verdict, Judge.CAMERA,
                account="H1" if n % 2 else None)
        for n in range(60)
        for verdict in [Verdict.INCORRECT if n % 7 == 0 else Verdict.CORRECT]
    ]  # fmt: skip
    second_us = calendar.US_PER_S
    screens.keep([
        *deposits,
        LevelReading("bin-001", "kitchen", at_us - second_us, 97),
        LevelReading("bin-002", "kitchen", at_us - second_us, 86),
        LevelReading("bin-001", "recyclable", at_us - second_us, None, fault="blocked"),
        Status("bin-001", at_us - second_us, DeviceState.ONLINE, battery_pct=12),
        Alarm("bin-002", "", at_us - second_us, AlarmType.FIRE, True),
        Alarm("bin-001", "kitchen", at_us - second_us, AlarmType.JAM, True),
    ])  # fmt: skip
    books = Books(screens.database, tmp_path)
    books.load(TABLE, at_us)
    books.keep(*[one for one in deposits if one.account])
    books.settle(at_us)
    redemptions = Redemptions(screens.database, SHANGHAI)
    RewardCatalogue(screens.database).put(Reward("soap", "洗衣皂", "Soap", 20, 6))
    RewardCatalogue(screens.database).put(Reward("oil", "食用油", "Cooking oil", 90_000, 2))
    RewardCatalogue(screens.database).put(Reward("bags", "垃圾袋", "Bin bags", 10, 0))
    redemptions.redeem(HOME, "first", "soap", 1, "office", at_us)
    wrong = Decoder(registry).decode("smartbin/v1/testsite/bin-009/deposit", b'{"at":1}', at_us)
    Quarantine(tmp_path / "quarantine").add(wrong.rejected)
    return screens


def test_what_is_wrong_is_found(screens: Screens) -> None:
    page = screens.open("/sign-in")
    expect(page.locator("main")).to_be_visible()
    page.evaluate("""() => {
      document.querySelector("h1").style.color = "#ddd";
      document.querySelector("main").append(document.createElement("img"));
    }""")
    found = " ".join(violations(page))
    assert "image-alt" in found
    assert "color-contrast" in found


def test_public_pages(filled: Screens) -> None:
    context = filled.context(theme="light", width=1280, height=900)
    assert campaign(context, filled.url, PUBLIC, as_it_is) == []


def test_office_pages(filled: Screens) -> None:
    context = filled.open("/sign-in", role="office").context
    assert campaign(context, filled.url, OFFICE, as_it_is) == []


def test_empty_pages_and_pages_of_somebody_who_may_not(screens: Screens) -> None:
    context = screens.open("/sign-in", role="office").context
    assert campaign(context, screens.url, EMPTY, as_it_is) == []
    context = screens.open("/sign-in", role="crew").context
    assert campaign(context, screens.url, ("/office", "/office/rewards"), as_it_is) == []


def test_the_crew_page_with_everything_open(filled: Screens) -> None:
    context = filled.context(theme="light", width=360, height=740)
    filled.sign_in(context, name="crew", password=PASSWORD)

    def opened(page: Page) -> None:
        closed = page.get_by_role("button", name=re.compile("^(详情|Details)$"))
        expect(closed.first).to_be_visible()
        while closed.count():
            closed.first.click()

    def mapped(page: Page) -> None:
        page.get_by_role("button", name=re.compile("^(示意图|Map)$")).click()

    def unread(page: Page) -> None:
        page.context.set_offline(True)
        page.get_by_role("button", name=re.compile("^(刷新|Refresh)$")).click()
        expect(page.locator(".signal.off")).to_be_visible()
        page.context.set_offline(False)

    for act in (opened, mapped, unread):
        assert campaign(context, filled.url, ("/crew",), act) == []


def test_the_residents_page(filled: Screens) -> None:
    context = filled.context(theme="light", width=360, height=740)
    code, _ = Codes(filled.database, Passwords()).make(HOME, "office", now_us())
    filled.sign_in(context, card="H1", code=code)

    def asked(page: Page) -> None:
        page.get_by_role("button", name=re.compile("^(兑换|Redeem) ")).first.click()
        page.get_by_role("button", name=re.compile("^(取消兑换|Cancel) ")).first.click()

    def searched(page: Page) -> None:
        page.get_by_role("searchbox").fill("a")

    for act in (as_it_is, asked, searched):
        assert campaign(context, filled.url, ("/me",), act) == []
    assert campaign(context, filled.url, ("/account",), as_it_is) == []


def test_the_apis_description(screens: Screens) -> None:
    page = screens.open("/docs")
    expect(page.locator('[data-path="/api/v1/bins/full"]')).to_be_visible()
    # Swagger UI's own markup puts a link into the button that opens an endpoint.
    assert [one for one in violations(page) if not one.startswith("nested-interactive: ")] == []
