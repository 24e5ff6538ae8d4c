"""Every role at every page: its own open, from others' it is led away with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from smartbin.facts.events import LevelReading
from smartbin.people.codes import Codes
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.users import Users
from tests.points.books import HOME, TABLE, Books
from tests.web.conftest import PASSWORD, Screens, now_us

pytestmark = pytest.mark.browser
# What a page says to whoever may see it, and only to them.
SHOWS = {
    "/crew": "bin-002",
    "/me": "积分余额",
    "/office": "今天要看的",
    "/office/devices": "bin-002",
    "/office/verdicts": "人工判定记录",
    "/office/signals": "这一天没有发现疑点",
    "/office/quarantine": "没有被隔离的消息",
    "/office/accounts": "卡号或账户号",
    "/office/rewards": "礼品目录",
    "/office/registry": "与规划核对",
    "/office/people": "程序令牌",
}
OFFICE = set(SHOWS) - {"/me"}
DESK = {"/office", "/office/devices", "/office/rewards", "/office/registry"}
MAY: dict[Role, set[str]] = {
    Role.RESIDENT: {"/me"},
    Role.CREW: {"/crew"},
    Role.SUPERVISOR: {"/office/verdicts"},
    Role.INSPECTOR: {"/office/verdicts"},
    Role.COMMUNITY: {"/crew", *DESK},
    Role.OFFICE: OFFICE,
    Role.ADMIN: OFFICE,
}
BOUND = {Role.SUPERVISOR: "elm", Role.COMMUNITY: "elm"}
# Pages that name devices one by one: who is bound to a community sees its own alone.
LISTS = {"/crew", "/office/devices", "/office/verdicts"}
HREFS = "all => all.map((a) => a.getAttribute('href'))"


def signed_in(screens: Screens, role: Role, folder: Path) -> BrowserContext:
    context = screens.context(theme="light", width=1280, height=900)
    if role is Role.RESIDENT:
        Books(screens.database, folder).load(TABLE, now_us())
        code, _ = Codes(screens.database, Passwords()).make(HOME, "office", now_us())
        screens.sign_in(context, card="H1", code=code)
    else:
        name = f"a-{role}"
        users = Users(screens.database, Passwords())
        users.create(name, role, BOUND.get(role), PASSWORD, now_us())
        screens.sign_in(context, name=name, password=PASSWORD)
    return context


def led_away(page: Page, path: str) -> None:
    main = page.locator("main")
    # A resident signs in with a card, not with a name: whoever else comes is asked for one.
    said = "输入卡号和在街道办公室或社区领取的一次性验证码" if path == "/me" else "请联系街道办公室"
    expect(main).to_contain_text(said)
    expect(main).not_to_contain_text(SHOWS[path])
    if path.startswith("/office"):
        expect(main.locator(".panel")).to_have_count(1)  # the sentence; no empty table, no form


@pytest.mark.parametrize("role", MAY)
def test_a_role_sees_its_pages_and_is_led_away_from_others(
    screens: Screens, role: Role, tmp_path: Path
) -> None:
    full = [LevelReading(d, "kitchen", now_us() - 1_000_000, 97) for d in ("bin-001", "bin-002")]
    screens.keep(full)
    page = signed_in(screens, role, tmp_path).new_page()
    for path, shows in SHOWS.items():
        page.goto(f"{screens.url}{path}")
        if path not in MAY[role]:
            led_away(page, path)
            continue
        main = page.locator("main")
        expect(main).to_contain_text(shows)
        expect(page.locator(".notice.forbidden")).to_have_count(0)
        if role in BOUND and path in LISTS:
            expect(main).to_contain_text("bin-002")
            expect(main).not_to_contain_text("bin-001")
        if path.startswith("/office"):  # the way to what is theirs, and no other
            rooms = MAY[role] - {"/crew"}
            links = page.locator("header nav a")
            expect(links).to_have_count(len(rooms))
            assert set(links.evaluate_all(HREFS)) == rooms
    page.goto(f"{screens.url}/account")
    back = page.locator(".who a.primary")
    expect(back).to_be_visible()
    assert back.get_attribute("href") in MAY[role]
