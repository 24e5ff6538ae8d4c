"""A resident's phone and an office's desk against the real system: broker, gateway, API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.real import patient_s, until
from tests.web.system import PAGE, PASSWORD, System, running

pytestmark = [pytest.mark.browser, pytest.mark.real]
HOME, OTHER = "11111111", "22222222"
TABLE = (
    "card,kind,community,from,to,account\n"
    f"H1,household,yicheng-haoting,2025-01-01,,{HOME}\n"
    f"H2,household,yicheng-haoting,2025-01-01,,{OTHER}\n"
)


@pytest.fixture
def system(tmp_path: Path, browser: Browser) -> Iterator[System]:
    with running(tmp_path, browser) as found:
        cards = tmp_path / "accounts.csv"
        cards.write_text(TABLE, encoding="utf-8")
        command = [sys.executable, "-m", "api", "accounts", "import", str(cards)]
        environment = {**os.environ, **found.gateway.environment()}
        subprocess.run(
            command, env=environment, check=True, capture_output=True, timeout=patient_s(60)
        )
        yield found


def told(system: System, path: str, body: dict[str, Any]) -> Any:
    """What the office asks of the API."""
    context = system.browser.new_context()
    system.sign_in(context, "office")
    answer = context.request.post(f"{system.url}/api/v1/{path}", data=body, headers=PAGE)
    assert answer.ok, answer.text()
    made = answer.json()
    context.close()
    return made


def sign_in(page: Page, code: str) -> None:
    page.get_by_label("卡号").fill("H1")
    page.get_by_label("一次性验证码").fill(code)
    page.get_by_role("button", name="登录").click()


def test_a_resident_earns_redeems_takes_back_and_sees_nobody_else(system: System) -> None:
    soap = {"id": "soap", "name": "洗衣皂", "name_en": "Soap", "price": 20, "stock": 6}
    told(system, "rewards", {**soap, "offered": True})
    weighed = {"door": "kitchen", "weight_g": 2_000, "verdict": "correct", "judge": "camera"}
    system.publish("bin-001", "deposit", account="H1", **weighed)
    until(lambda: system.asked(f"accounts/{HOME}")["balance"] == 25, "it is settled", 60)
    gift = {"request_id": "a-gift-0001", "points": 20, "reason": "a prize"}
    told(system, f"accounts/{HOME}/adjustments", gift)
    code = told(system, f"accounts/{HOME}/codes", {})["code"]
    page = system.phone(path="/me")
    sign_in(page, "00000000")
    expect(page.get_by_role("alert")).to_contain_text("卡号或验证码不对")
    sign_in(page, code)
    balance = page.locator(".balance")
    expect(balance).to_contain_text("45")
    expect(balance).to_contain_text("现在可兑换 20 分")  # what was just earned waits a day
    expect(page.locator(".day p").last).to_contain_text("厨余垃圾 2 公斤")
    page.get_by_role("button", name="兑换 洗衣皂").click()
    page.get_by_role("button", name="确认兑换").click()
    expect(page.get_by_text("兑换成功")).to_be_visible()
    expect(balance).to_contain_text(re.compile(r"\b25"))
    expect(balance).to_contain_text("现在可兑换 0 分")
    (made,) = system.asked("redemptions")["redemptions"]
    assert (made["account"], made["points"], made["state"]) == (HOME, 20, "reserved")
    page.get_by_role("button", name="取消兑换 洗衣皂").click()
    page.get_by_role("button", name="确认取消").click()
    expect(balance).to_contain_text("45")
    told_now = system.asked(f"accounts/{HOME}")
    assert (told_now["balance"], told_now["spendable"], told_now["held"]) == (45, 20, 0)
    statuses = page.evaluate(
        "paths => Promise.all(paths.map(p => fetch(`/api/v1/${p}`).then(r => r.status)))",
        [f"accounts/{OTHER}/statement", f"accounts/{OTHER}/redemptions", "accounts", "redemptions"],
    )
    assert statuses == [403] * 4
    again = system.phone(path="/me")
    sign_in(again, code)  # it was spent
    expect(again.get_by_role("alert")).to_contain_text("卡号或验证码不对")


def test_an_expired_session_leads_back_to_the_very_page(system: System) -> None:
    page = system.phone("office", "/office/device/bin-001")
    expect(page.get_by_role("heading", name="1号箱")).to_be_visible()
    system.end_every_session()
    page.reload()
    page.get_by_role("link", name="登录").first.click()
    page.get_by_label("用户名").fill("office")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page).to_have_url(f"{system.url}/office/device/bin-001")
    expect(page.get_by_role("heading", name="1号箱")).to_be_visible()


def test_sessions_are_seen_and_ended_and_the_guide_is_one_click_away(system: System) -> None:
    lost, kept = system.phone("crew"), system.phone("crew", "/account")
    expect(kept.locator("li")).to_have_count(2)
    kept.get_by_role("button", name=re.compile("^退出 ")).click()
    expect(kept.locator("li")).to_have_count(1)
    lost.reload()
    expect(lost.get_by_text("请先登录")).to_be_visible()
    kept.goto(f"{system.url}/crew")
    kept.get_by_role("link", name="帮助").click()
    expect(kept.get_by_role("heading", name="收运员指南")).to_be_visible()
    loaded = "() => [...document.querySelectorAll('article img')].every(i => i.naturalWidth > 0)"
    kept.locator("article img").last.scroll_into_view_if_needed()
    kept.wait_for_function(loaded)
