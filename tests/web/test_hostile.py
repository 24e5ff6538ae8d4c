"""Names, notes and messages that would be HTML, JavaScript or a template are text on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from smartbin.accounts.store import Accounts
from smartbin.core import calendar
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DeviceState,
    Judge,
    LevelReading,
    Status,
    Verdict,
)
from smartbin.facts.wire import Rejected
from smartbin.places import Registry
from smartbin.quarantine.store import Quarantine
from tests.api.client import PAGE
from tests.places.small import SHANGHAI, small_registry
from tests.web.conftest import PASSWORD, Screens, now_us

pytestmark = pytest.mark.browser
# An element, a handler, and an expression of Vue's templates: none may come to life.
HOSTILE = "<b class=ran>{{1+1}}</b><img src=x onerror=ran=1>"
FORMULA = "＝1+1"  # as a Chinese input method writes it
RAN = "window.ran !== undefined || document.querySelector('.ran, img[src=x]') !== null"
HOME = "11111111"
OFFICE = (
    "", "/community/oak", "/device/bin-001", "/accounts", f"/accounts/{HOME}", "/rewards", "/doors",
    "/devices", "/verdicts", "/signals", "/registry", "/people", "/quarantine",
)  # fmt: skip
# Pages on which something hostile must be seen, so that the test looks at something.
SEEN = {
    "/", "/board/oak", "/crew", "/me", "/office", "/office/community/oak",
    "/office/device/bin-001", f"/office/accounts/{HOME}", "/office/rewards", "/office/doors",
    "/office/devices", "/office/registry", "/office/people", "/office/quarantine",
}  # fmt: skip


@pytest.fixture
def registry() -> Registry:
    """A site that somebody hostile named."""
    return small_registry(called=lambda name: f"{FORMULA}{HOSTILE}{name}")


def signed_in(screens: Screens, who: Mapping[str, str]) -> BrowserContext:
    context = screens.browser.new_context(
        user_agent=HOSTILE, viewport={"width": 1280, "height": 900}
    )
    screens.sign_in(context, **who)
    return context


def told(screens: Screens, context: BrowserContext, path: str, body: Mapping[str, Any]) -> Any:
    answer = context.request.post(f"{screens.url}/api/v1/{path}", data=dict(body), headers=PAGE)
    assert answer.ok, answer.text()
    return answer.json()


def fill(screens: Screens) -> str:
    """Everything that takes a text has a hostile one; answers the account's code for /me."""
    now = now_us()
    deposits = [
        Deposit(
            *("bin-001", "kitchen", now - (n + 1) * 60_000_000, 1_200),
            *(Verdict.CORRECT, Judge.CAMERA),
            account=HOSTILE,
        )
        for n in range(30)
    ]
    status = Status("bin-001", now - 1, DeviceState.ONLINE, firmware=HOSTILE)
    screens.keep(
        [
            *deposits,
            *[LevelReading("bin-001", "kitchen", now - n * 1_000, 97, None, n) for n in range(9)],
            LevelReading("bin-001", "residual", now, None, HOSTILE),
            Alarm("bin-001", "kitchen", now, AlarmType.JAM, True),
            Collection("bin-001", "recyclable", now - 5_000_000, 9_000, 1_000, HOSTILE),
            status,
        ]
    )
    topic = f"smartbin/v1/testsite/{HOSTILE}/deposit"
    wrong = Rejected(topic, HOSTILE.encode(), now, "unknown_device", HOSTILE, HOSTILE)
    Quarantine(screens.quarantine).add([wrong])
    table = screens.quarantine.parent / "accounts.csv"
    header = "card,kind,community,from,to,account"
    table.write_text(f"{header}\nH1,household,oak,2025-01-01,,{HOME}\n", encoding="utf-8")
    Accounts(screens.database).load(table, screens.parts.registry.communities, now)
    office = signed_in(screens, {"name": "office", "password": PASSWORD})
    person = {"name": HOSTILE, "role": "crew", "community": None, "password": PASSWORD}
    told(screens, office, "users", person)
    told(screens, office, "tokens", {"name": f"t {HOSTILE}", "role": "crew"})
    reward = {"id": "soap", "name": HOSTILE, "name_en": HOSTILE, "price": 1, "stock": 6}
    told(screens, office, "rewards", {**reward, "offered": True})
    gift = {"request_id": str(uuid4()), "points": 20, "reason": HOSTILE}
    told(screens, office, f"accounts/{HOME}/adjustments", gift)
    at = calendar.from_us(deposits[0].at_us, SHANGHAI).isoformat()
    verdict = {"id": str(uuid4()), "door": "kitchen", "at": at, "verdict": "incorrect"}
    told(screens, office, "devices/bin-001/verdicts", {**verdict, "why": HOSTILE})
    code = told(screens, office, f"accounts/{HOME}/codes", {})["code"]
    office.close()
    crew = signed_in(screens, {"name": HOSTILE, "password": PASSWORD})
    own = {"old": PASSWORD, "new": "seven late sparrows"}
    assert crew.request.post(f"{screens.url}/api/v1/session/password", data=own, headers=PAGE).ok
    started = calendar.from_us(now - 60_000_000, SHANGHAI).isoformat()
    round_id = str(uuid4())
    told(screens, crew, "rounds", {"id": round_id, "category": "kitchen", "started_at": started})
    met = {"id": str(uuid4()), "device": "bin-001", "door": "kitchen", "at": started}
    problem = {**met, "kind": "damaged", "note": HOSTILE}
    told(screens, crew, f"rounds/{round_id}/problems", {"problems": [problem]})
    crew.close()
    return str(code)


def look(page: Page, screens: Screens, path: str) -> bool:
    """Whether a page shows something hostile; nothing of it has run."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{screens.url}{path}")
    expect(page.locator("main").first).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)
    shown = page.get_by_text(HOSTILE).first
    if path in SEEN:
        expect(shown).to_be_attached()
    assert page.evaluate(RAN) is False, path
    assert said == [], path
    return bool(shown.count())


def test_a_hostile_text_is_text_on_every_page(screens: Screens) -> None:
    code = fill(screens)
    visits = {
        "office": [*(f"/office{page}" for page in OFFICE), "/account", "/help/office"],
        "crew": ["/crew"],
        "": ["/", "/board", "/board/oak", "/sign-in", f"/board/{quote(HOSTILE)}",
             f"/help/{quote(HOSTILE)}", f"/{quote(HOSTILE)}?q={quote(HOSTILE)}"],
    }  # fmt: skip
    for name, paths in visits.items():
        context = (
            signed_in(screens, {"name": name, "password": PASSWORD})
            if name
            else screens.context(theme="light", width=1280, height=900)
        )
        page = context.new_page()
        for path in paths:
            look(page, screens, path)
        context.close()
    phone = signed_in(screens, {"card": "H1", "code": code})
    look(phone.new_page(), screens, "/me")
    phone.close()


def test_a_table_of_the_screens_runs_in_no_spreadsheet(screens: Screens) -> None:
    page = screens.open("/office", role="office")
    expect(page.get_by_role("region", name="2 个社区").locator("tbody tr")).to_have_count(2)
    with page.expect_download() as leaving:
        page.get_by_role("button", name="导出 CSV").click()
    text = leaving.value.path().read_text(encoding="utf-8-sig")
    assert text.count(f"'{FORMULA}") == text.count(FORMULA) == 2
