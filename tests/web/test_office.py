"""The office's desk in a real browser: from what needs a person down to one deposit, and back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from smartbin.core import calendar
from smartbin.facts.events import Alarm, AlarmType, Deposit, Judge, LevelReading, Verdict
from smartbin.facts.wire import Rejected
from smartbin.quarantine.store import Quarantine
from tests.web.conftest import PASSWORD, Screens, now_us

pytestmark = pytest.mark.browser
HOUR_US = calendar.US_PER_HOUR
PAPER_PX = 703  # A4 between its margins


def fill(screens: Screens) -> None:
    """A week of bin-001 with thirty judged deposits, a jam, a full door, a refused message."""
    now = now_us()
    heard = [
        LevelReading("bin-001", "kitchen", now - n * HOUR_US - 9, 20, None, 9_000 - n)
        for n in range(1, 168)
    ]
    deposits = [
        Deposit(
            "bin-001", "kitchen", now - (n + 1) * 1_000_000, 1_200, Verdict.CORRECT, Judge.CAMERA
        )
        for n in range(30)
    ]
    full = LevelReading("bin-001", "kitchen", now - 1_000, 97)
    jam = Alarm("bin-001", "kitchen", now - 2_000, AlarmType.JAM, True)
    screens.keep([*heard, *deposits, full, jam])
    wrong = Rejected(
        "smartbin/v1/testsite/bin-001/deposit", b'{"at":7}', now, "bad_time", "at", "7"
    )
    Quarantine(screens.quarantine).add([wrong])


def errors_of(page: Page) -> list[str]:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def test_what_needs_a_person_leads_down_to_a_deposit_that_is_judged(screens: Screens) -> None:
    fill(screens)
    page = screens.open("/office", role="office")
    said = errors_of(page)
    tasks = page.locator("main li")
    expect(tasks.filter(has_text="投口卡住").first).to_be_visible()
    expect(tasks.filter(has_text="1 个投口满溢")).to_be_visible()
    expect(tasks.filter(has_text="1 条消息被隔离")).to_be_visible()
    page.get_by_role("row", name=re.compile("橡树社区")).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="橡树社区")).to_be_visible()
    expect(page.get_by_text("完整度").first).to_be_visible()
    page.get_by_role("link", name="厨余垃圾").click()
    rows = page.get_by_role("region", name="投放明细").get_by_role("row")
    expect(rows).to_have_count(31)
    rows.nth(1).get_by_role("button", name="判定").click()
    expect(page.get_by_text('"weight_g":1200')).to_be_visible()
    page.get_by_label("理由").fill("袋中有塑料")
    page.get_by_role("button", name="判为有误").click()
    listed = page.get_by_role("region", name="人工判定记录")
    expect(listed).to_contain_text("袋中有塑料")
    expect(listed).to_contain_text("office")
    assert said == []


def test_the_table_sorts_finds_and_leaves_as_csv(screens: Screens) -> None:
    fill(screens)
    page = screens.open("/office", role="office")
    first = page.get_by_role("region", name="2 个社区").locator("tbody tr").first
    expect(first).to_contain_text("橡树社区")
    page.get_by_role("button", name="社区", exact=True).click()
    page.get_by_role("button", name=re.compile("^社区")).click()
    expect(first).to_contain_text("榆树社区")
    with page.expect_download() as leaving:
        page.get_by_role("button", name="导出 CSV").click()
    text = leaving.value.path().read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 3
    page.get_by_placeholder("查找社区").fill("橡")
    expect(page.get_by_role("region", name="2 个社区").locator("tbody tr")).to_have_count(1)


def test_the_office_makes_a_crew_that_signs_in_and_a_token_that_it_revokes(
    screens: Screens,
) -> None:
    page = screens.open("/office/people", role="office")
    people = page.locator("section", has=page.get_by_role("heading", name="用户", exact=True))
    people.get_by_label("用户名").fill("li.wei")
    people.get_by_label("初始密码").fill(PASSWORD)
    people.get_by_role("button", name="新建用户").click()
    row = page.get_by_role("row", name=re.compile("li.wei"))
    expect(row).to_contain_text("收运人员")
    phone = screens.context(theme="light", width=390, height=844).new_page()
    phone.goto(f"{screens.url}/sign-in")
    phone.get_by_label("用户名").fill("li.wei")
    phone.get_by_label("密码").fill(PASSWORD)
    phone.get_by_role("button", name="登录").click()
    phone.wait_for_url("**/password")  # the office chose the first one
    expect(phone.get_by_role("status")).to_contain_text("请先改为只有您本人知道的密码")
    phone.get_by_label("当前密码").fill(PASSWORD)
    for label in ("新密码（至少 10 位）", "再输入一次新密码"):
        phone.get_by_label(label).fill("password12")
    phone.get_by_role("button", name="保存").click()
    expect(phone.get_by_role("alert")).to_contain_text("密码太容易猜到")
    phone.get_by_label("当前密码").fill(PASSWORD)
    for label in ("新密码（至少 10 位）", "再输入一次新密码"):
        phone.get_by_label(label).fill("seven late sparrows")
    phone.get_by_role("button", name="保存").click()
    phone.wait_for_url("**/crew")
    row.get_by_role("button", name="停用").click()
    expect(row).to_contain_text("已停用")
    tokens = page.locator("section", has=page.get_by_role("heading", name="程序令牌"))
    tokens.get_by_label("程序名称").fill("truck")
    tokens.get_by_role("button", name="新建令牌").click()
    expect(tokens.locator("code")).to_have_text(re.compile(r"^[\w-]{40,}$"))
    tokens.get_by_role("button", name="吊销").click()
    expect(page.get_by_role("status").first).to_contain_text("令牌已吊销")
    expect(tokens.get_by_text("还没有令牌")).to_be_visible()


def test_paper_is_light_and_as_wide_as_a_page_whatever_the_screen_was(screens: Screens) -> None:
    fill(screens)
    page = screens.open("/office/community/oak", role="office", theme="dark")
    html = page.locator("html")
    expect(page.locator("canvas").first).to_be_visible()
    expect(html).to_have_attribute("data-theme", "dark")
    page.emulate_media(media="print")
    expect(html).to_have_attribute("data-theme", "light")
    page.wait_for_function(f"document.querySelector('canvas').clientWidth <= {PAPER_PX}")
    page.set_viewport_size({"width": PAPER_PX, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER_PX
    expect(page.get_by_text("统计时段")).to_be_visible()
    expect(page.get_by_text("打印于")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    page.emulate_media(media="screen")
    expect(html).to_have_attribute("data-theme", "dark")


SHOWS = {
    "devices": "投口卡住",
    "doors": "满溢",
    "verdicts": "人工判定记录",
    "signals": "这一天没有发现疑点",
    "quarantine": "时间有误",
    "accounts": "还没有导入账户",
    "rewards": "没有等待领取",
    "registry": "占位名称",
}


def test_every_page_of_the_office_says_what_it_knows(screens: Screens) -> None:
    fill(screens)
    page = screens.open("/office", role="office")
    said = errors_of(page)
    for path, shows in SHOWS.items():
        page.goto(f"{screens.url}/office/{path}")
        expect(page.get_by_text(shows).first).to_be_visible()
        expect(page.locator(".loading")).to_have_count(0)
    assert said == []


def test_the_doors_of_a_burning_bin_are_off_the_page_and_the_reason_is_on_it(
    screens: Screens,
) -> None:
    fill(screens)
    now = now_us()
    smoke = Alarm("bin-001", "", now - 2_000, AlarmType.SMOKE, True)
    screens.keep([LevelReading("bin-002", "kitchen", now - 1_000, 97), smoke])
    page = screens.open("/office/doors", role="office")
    reason = page.get_by_role("alert")
    expect(reason).to_contain_text("烟雾报警")
    expect(reason).to_contain_text("投口暂停清运，报警解除后恢复")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="bin-002").first).to_be_visible()
    expect(rows.filter(has_text="bin-001")).to_have_count(0)
    reason.get_by_role("link").click()
    expect(page).to_have_url(f"{screens.url}/office/device/bin-001")


def test_a_crew_is_led_away_from_the_office(screens: Screens) -> None:
    page = screens.open("/office/people", role="crew")
    expect(page.get_by_text("没有查看权限")).to_be_visible()
    expect(page.get_by_role("button", name="新建用户")).to_have_count(0)


def test_nothing_of_a_page_is_shown_before_it_is_known_who_asks(screens: Screens) -> None:
    page = screens.open("/office/people", role="office")
    main = page.locator("main")
    expect(main).to_contain_text("程序令牌")
    held: list[Route] = []
    page.route("**/api/v1/session", lambda route: held.append(route))
    with page.expect_request("**/api/v1/session"):
        page.reload()
    expect(main).to_contain_text("正在读取")
    expect(main.locator("form")).to_have_count(0)
    held.pop().abort()
    expect(main).to_contain_text("连不上服务器")
    expect(main).not_to_contain_text("程序令牌")
    page.unroute("**/api/v1/session")
    main.get_by_role("button", name="再试一次").click()
    expect(main).to_contain_text("程序令牌")
