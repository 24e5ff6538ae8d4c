"""``make screenshots``: every view in its states and sizes, from the real API over simulated weeks.

The clock stands still at NOW, so two runs draw the same pictures. Those the documents show go to
docs/images, all of them to var/screenshots.
"""

from __future__ import annotations

import io
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright
from rich.progress import Progress

from api.app import create_app
from api.parts import Parts
from simulator.fleet import Fleet
from simulator.households import write_accounts
from smartbin.accounts.store import Accounts
from smartbin.core import calendar
from smartbin.core.scope import EVERYTHING
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Category,
    Deposit,
    DeviceState,
    Fact,
    LevelReading,
    Status,
)
from smartbin.facts.wire import Decoder
from smartbin.people.codes import Codes
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.users import Users
from smartbin.places import CommunityKind, Door, Registry
from smartbin.places.load import load
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.points.redemptions import Redemptions
from smartbin.points.rules.load import load_tariffs
from smartbin.points.settle import Settler
from smartbin.quarantine.store import Quarantine
from smartbin.telemetry import open_reader, open_writer
from tests.real import ROOT, free_port, program, until

NOW = datetime.fromisoformat("2026-11-24T17:40:00+08:00")
DAYS = 30
SEED = 7
BATCH = 20_000
# Real codes are chance; the pictures' are the same each time.
CODE_MIN, CODE_STEP = 10_472_613, 35_917
EVENING_US = 3 * calendar.US_PER_HOUR
STATIC = ROOT / "api" / "static"
KEPT, ALL = ROOT / "docs" / "images", ROOT / "var" / "screenshots"
SITE = ROOT / "deploy" / "xinbei"
SILENT = "bin-031"  # says nothing since the afternoon
PASSWORD = secrets.token_urlsafe()
LOADED = """() => !document.querySelector('.loading')
    && !/正在读取|Loading/.test(document.body.innerText)"""
REWARDS = (
    Reward("tissues", "抽纸一提", "Tissues", 300, 84),
    Reward("soap", "洗衣皂两块", "Two bars of soap", 200, 6),
    Reward("bags", "垃圾袋一卷", "A roll of bin bags", 120, 130),
    Reward("oil", "食用油 1.8 升", "Cooking oil, 1.8 l", 2_400, 20),
)
HD, UHD, DESK, PHONE = (1920, 1080), (3840, 2160), (1440, 1000), (390, 844)
COMMUNITY = "yicheng-haoting"
PLACEHOLDER = "community-38"
BOARD = f"/board/{COMMUNITY}"
FLAGS = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--lang=zh-CN"]


@dataclass(frozen=True, slots=True)
class View:
    """One picture: where, how large, who looks, and what has happened before it is taken."""

    name: str
    path: str
    size: tuple[int, int]
    role: Role | None = None
    theme: str = "light"
    language: str = "zh"
    state: str = ""  # "offline": the line is cut after loading; "empty": a system without data;
    # "loading": no answer has come yet; "error": the API fails
    scale: float = 1.0
    kept: bool = False
    whole: bool = False  # the page to its end, not only what the window shows


VIEWS = (
    View("board", BOARD, HD, kept=True),
    View("board-dark-4k", BOARD, UHD, theme="dark"),
    View("board-4k-en", BOARD, UHD, language="en"),
    View("board-dark", BOARD, HD, theme="dark"),
    View("board-en", BOARD, HD, language="en"),
    View("board-phone", BOARD, PHONE, scale=2, whole=True),
    View("board-phone-en-dark", BOARD, PHONE, theme="dark", language="en", scale=2, whole=True),
    View("board-site", "/board", HD),
    View("board-site-phone", "/board", PHONE, scale=2, whole=True),
    View("board-placeholder", f"/board/{PLACEHOLDER}", HD),
    View("board-stale", BOARD, HD, state="offline"),
    View("board-empty", BOARD, HD, state="empty"),
    View("board-loading", BOARD, HD, state="loading"),
    View("board-error", BOARD, HD, state="error"),
    View("board-unknown", "/board/nowhere", HD),
    View("crew", "/crew", PHONE, Role.CREW, scale=2, kept=True),
    View("crew-offline", "/crew", PHONE, Role.CREW, scale=2, state="offline", kept=True),
    View("crew-small", "/crew", (360, 640), Role.CREW, scale=2),
    View("crew-signed-out", "/crew", PHONE, scale=2),
    View("crew-empty", "/crew", PHONE, Role.CREW, scale=2, state="empty"),
    View("office", "/office", DESK, Role.OFFICE, kept=True),
    View("office-whole", "/office", HD, Role.OFFICE, whole=True),
    View("office-en-dark", "/office", DESK, Role.OFFICE, theme="dark", language="en"),
    View("office-narrow", "/office", (1280, 800), Role.OFFICE),
    View("office-empty", "/office", DESK, Role.OFFICE, state="empty"),
    View("office-loading", "/office", DESK, Role.OFFICE, state="loading"),
    View("office-error", "/office", DESK, Role.OFFICE, state="error"),
    View("office-forbidden", "/office", DESK, Role.CREW),
    View("office-signed-out", "/office", DESK),
    View("office-community", f"/office/community/{COMMUNITY}", DESK, Role.OFFICE, kept=True),
    View("office-device", "/office/device/bin-001", DESK, Role.OFFICE, kept=True, whole=True),
    View("office-devices", "/office/devices", DESK, Role.OFFICE),
    View("office-doors", "/office/doors", DESK, Role.OFFICE),
    View("office-verdicts", "/office/verdicts", DESK, Role.OFFICE),
    View("office-signals", "/office/signals", DESK, Role.OFFICE),
    View("office-registry", "/office/registry", DESK, Role.OFFICE),
    View("office-people", "/office/people", DESK, Role.OFFICE),
    View("office-people-en-dark", "/office/people", DESK, Role.OFFICE, "dark", "en"),
    View("office-quarantine", "/office/quarantine", DESK, Role.OFFICE, kept=True),
    View("office-accounts", "/office/accounts", DESK, Role.OFFICE),
    View("office-account", "/office/accounts/{account}", DESK, Role.OFFICE, kept=True),
    View("office-rewards", "/office/rewards", DESK, Role.OFFICE),
    View("me", "/me", PHONE, Role.RESIDENT, scale=2, kept=True),
    View("me-en-dark", "/me", PHONE, Role.RESIDENT, theme="dark", language="en", scale=2),
    View("me-signed-out", "/me", PHONE, scale=2),
    View("sign-in", "/sign-in", PHONE, scale=2, kept=True),
    View("home", "/", DESK),
    View("docs", "/docs", DESK),
    View("account", "/account", PHONE, Role.CREW, scale=2),
    View("help", "/help/crew", PHONE, scale=2),
    View("missing", "/nowhere", DESK),
)


def main(wanted: list[str]) -> int:
    """Draw the named views, or all; answers the exit status."""
    chosen = [view for view in VIEWS if not wanted or view.name in wanted]
    KEPT.mkdir(parents=True, exist_ok=True)
    ALL.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress() as progress,
        sync_playwright() as playwright,
    ):
        registry = load(SITE)
        filled = _filled(Path(folder) / "filled", registry, progress)
        empty = _empty(Path(folder) / "empty", registry)
        chromium = program("chromium", "apt-get install chromium")
        # Native fields (dates) speak the language of the browser, not of the page.
        spoken: dict[str, str | float | bool] = {**os.environ, "LANGUAGE": "zh_CN"}
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, env=spoken)
        task = progress.add_task("画面 pictures", total=len(chosen))
        for view in chosen:
            with _served(empty if view.state == "empty" else filled) as url:
                _draw(view, browser, url, filled if view.state != "empty" else empty)
            progress.advance(task)
        browser.close()
    print(f"{len(chosen)} 幅 pictures: {ALL}")
    return 0


def _filled(folder: Path, registry: Registry, progress: Progress) -> Parts:
    parts = _empty(folder, registry)
    zone = registry.site.zone
    now_us = parts.now_us()
    fleet = Fleet(registry, SEED)
    start_us = now_us - DAYS * 24 * calendar.US_PER_HOUR
    writer = open_writer(f"sqlite:///{folder}/telemetry.db", zone)
    lines = DepositLines(parts.database, zone)
    task = progress.add_task("历史 history", total=DAYS)
    batch: list[Fact] = []
    earning = {device.id for device in registry.devices.values()
               if registry.community_of(device.id, NOW.date()) in _earning(registry)}  # fmt: skip
    full = [d for d in registry.doors(NOW.date()) if d.category == Category.KITCHEN][::4]

    def keep() -> None:
        writer.append(batch)
        own = [f for f in batch if isinstance(f, Deposit) and f.device in earning]
        lines.append(own, max((f.at_us for f in own), default=now_us))
        done_us = max(fact.at_us for fact in batch) - start_us
        progress.update(task, completed=done_us / (24 * calendar.US_PER_HOUR))
        batch.clear()

    for message in fleet.stream(start_us, now_us):
        batch.extend(fact for fact in message.facts if not _replaced(fact, full, now_us))
        if len(batch) >= BATCH:
            keep()
    if batch:
        keep()
    writer.append([*_evening(full, now_us), *_troubles(now_us)])
    writer.close()
    _refuse(parts, registry)
    _earn(parts, folder)
    return parts


def _earning(registry: Registry) -> set[str]:
    """The communities whose households' points are booked: those the pictures show. All 39 take
    ten times as long.
    """
    showcases = {c.id for c in registry.communities.values() if c.kind != CommunityKind.STANDARD}
    return {*showcases, PLACEHOLDER}


def _earn(parts: Parts, folder: Path) -> None:
    """Accounts, their points, a catalogue, and somebody who redeemed."""
    cards, now_us = folder / "accounts.csv", parts.now_us()
    table = io.StringIO()
    write_accounts(parts.registry, SEED, NOW.date() - timedelta(days=DAYS), table)
    head, *rows = table.getvalue().splitlines()
    own = [row for row in rows if row.split(",")[2] in _earning(parts.registry)]
    coded = [f"{row},{CODE_MIN + n * CODE_STEP}" for n, row in enumerate(own)]
    cards.write_text("\n".join([f"{head},account", *coded]), encoding="utf-8")
    Accounts(parts.database).load(cards, parts.registry.communities, now_us)
    settler = Settler(parts.database, parts.registry, parts.tariffs)
    while settler.settle(now_us).left:
        pass
    redemptions = Redemptions(parts.database, parts.registry.site.zone)
    for reward in REWARDS:
        RewardCatalogue(parts.database).put(reward)
    redemptions.redeem(_diligent(parts), "screenshots", "bags", 1, Role.OFFICE, now_us)


def _diligent(parts: Parts) -> str:
    """The account of the pictures' community that has most points, or has redeemed some."""
    redeemed = Redemptions(parts.database, parts.registry.site.zone).find(EVERYTHING, limit=1)
    if redeemed:
        return redeemed[0].account
    own = [one for one in Accounts(parts.database).all() if one.community(NOW.date()) == COMMUNITY]
    return max(own, key=lambda one: (one.balance, one.code)).code


def _replaced(fact: Fact, full: Sequence[Door], now_us: int) -> bool:
    since_us = now_us - EVENING_US
    mine = {door.key for door in full}
    if fact.device == SILENT and fact.at_us > since_us:
        return True
    if not isinstance(fact, LevelReading) or fact.at_us <= since_us:
        return False
    return (fact.device, fact.door) in mine


def _evening(full: Sequence[Door], now_us: int) -> list[Fact]:
    """Before the evening's trucks: some doors full, one silent for an hour and more."""
    minute_us = 60 * calendar.US_PER_S
    levels = [97, 92, 88, 86, 84, 83, 81, 96]
    return [
        LevelReading(door.device, door.id, now_us - (n * 11 + back) * minute_us, level - back // 9)
        for n, (door, level) in enumerate(zip(full, levels, strict=False))
        for back in range(0, 91, 15)
    ]


def _troubles(now_us: int) -> list[Fact]:
    """What devices have of their own: one is jammed, one runs out of battery."""
    minute_us = 60 * calendar.US_PER_S
    return [
        Alarm("bin-009", "residual", now_us - 12 * minute_us, AlarmType.JAM, active=True),
        Status("bin-023", now_us - 4 * minute_us, DeviceState.ONLINE, 14, 3410, -91, 6, "2.4.1"),
    ]


def _refuse(parts: Parts, registry: Registry) -> None:
    """A few messages that real devices get wrong."""
    decoder, minute_us = Decoder(registry), 60 * calendar.US_PER_S
    wrong = {
        "bin-004": b'{"at":"2026-11-24T16:02:11+08:00","seq":88,"door":"attic","weight_g":640}',
        "bin-017": b'{"at":"2026-11-24T15:40:00","seq":12,"door":"kitchen","weight_g":900}',
        "bin-023": b'{"at":"2026-11-24T15:41:00+08:00","seq":13,"door":"kitchen","weight_g":"5"}',
        "bin-099": b'{"at":"2026-11-24T15:42:00+08:00","seq":14,"door":"kitchen","weight_g":5}',
    }
    shelf = Quarantine(parts.quarantine)
    for n, (device, payload) in enumerate(wrong.items()):
        topic = f"smartbin/v1/{registry.site.id}/{device}/deposit"
        shelf.add(decoder.decode(topic, payload, parts.now_us() - n * 7 * minute_us).rejected)


def _empty(folder: Path, registry: Registry) -> Parts:
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder}/telemetry.db"
    open_writer(url, registry.site.zone).close()
    database = Database.open(f"sqlite:///{folder}/records.db")
    database.prepare()
    now_us = calendar.to_us(NOW)
    users = Users(database, Passwords())
    for role in (Role.CREW, Role.OFFICE):
        users.create(role, role, None, PASSWORD, now_us)
    return Parts(
        registry,
        open_reader(url, registry.site.zone),
        database,
        folder / "quarantine",
        lambda: now_us,
        static=STATIC,
        tariffs=load_tariffs(SITE / "tariff.toml"),
    )


@contextmanager
def _served(parts: Parts) -> Iterator[str]:
    port = free_port()
    config = uvicorn.Config(
        create_app(parts), port=port, log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "the API answers")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _draw(view: View, browser: Browser, url: str, parts: Parts) -> None:
    width, height = view.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=view.scale,
        color_scheme="dark" if view.theme == "dark" else "light",
        locale="zh-CN" if view.language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    context.clock.install(time=NOW)
    if view.role:
        _sign_in(context, url, view.role, parts)
    page = context.new_page()
    held: list[Route] = []  # what the page asked for and never gets: it is loading
    if view.state == "loading":
        page.route("**/api/v1/**", held.append)
    if view.state == "error":
        away = {"detail": "the store is away"}
        page.route("**/api/v1/**", lambda route: route.fulfill(status=503, json=away))
    path = view.path.format(account=_diligent(parts)) if "{" in view.path else view.path
    page.goto(f"{url}{path}{'' if view.language == 'zh' else '?lang=en'}")
    _settle(page, loaded=view.state != "loading")
    if view.state == "offline":
        context.set_offline(True)
        page.clock.run_for(60_000)
        _settle(page)
    if view.state in ("", "empty") and page.locator(".notice.offline, .notice.server").count():
        raise SystemExit(f"{view.name}: the API did not answer in time; draw it again")
    picture = page.screenshot(type="jpeg", quality=82, full_page=view.whole)
    for route in held:
        route.abort()
    context.close()
    for folder in (ALL, KEPT) if view.kept else (ALL,):
        (folder / f"{view.name}.jpg").write_bytes(picture)


def _sign_in(context: BrowserContext, url: str, role: Role, parts: Parts) -> None:
    who = {"name": role.value, "password": PASSWORD}
    if role is Role.RESIDENT:
        account = _diligent(parts)
        codes = Codes(parts.database, Passwords())
        code, _ = codes.make(account, Role.OFFICE, parts.now_us())
        found = Accounts(parts.database).get(account)
        assert found is not None
        who = {"card": found.holdings[0].card, "code": code}
    answer = context.request.post(
        f"{url}/api/v1/session", data=who, headers={"X-Requested-With": "smartbin"}
    )
    assert answer.ok, answer.text()


def _settle(page: Page, *, loaded: bool = True) -> None:
    page.clock.run_for(3_000)
    page.wait_for_timeout(1_200)
    if loaded:
        page.wait_for_function(LOADED)
    page.clock.run_for(1_000)
    page.wait_for_timeout(300)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
