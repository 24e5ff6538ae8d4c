"""The built screens in a real Chromium, served by the real API over real stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from api.app import create_app
from api.parts import Parts
from smartbin.core import calendar
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Fact
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.users import Users
from smartbin.places import Registry
from smartbin.telemetry import TelemetryWriter, open_reader, open_writer
from tests.api.client import PAGE
from tests.database import ready
from tests.places.small import SHANGHAI, small_registry
from tests.points.books import TARIFFS
from tests.real import ROOT, free_port, missing, patient_s, program, until

PASSWORD = "four quiet lorries"
STATIC = ROOT / "api" / "static"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# What must come in a certain time says so itself; elsewhere a busy machine is not a failure.
expect.set_options(timeout=patient_s(20_000))


def now_us() -> int:
    return calendar.to_us(datetime.now(UTC))


@dataclass
class Screens:
    port: int
    writer: TelemetryWriter
    parts: Parts
    browser: Browser
    stop: Callable[[], None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Database:
        return self.parts.database

    def keep(self, facts: Sequence[Fact]) -> None:
        """As the gateway does it: telemetry first, then the database with its outbox."""
        self.writer.append(facts)
        DepositLines(self.database, SHANGHAI, self.parts.now_us).append(facts)

    @property
    def quarantine(self) -> Path:
        return self.parts.quarantine

    def open(self, path: str, *, role: str = "", theme: str = "light") -> Page:
        context = self.context(theme=theme, width=1920, height=1080)
        if role:
            self.sign_in(context, name=role, password=PASSWORD)
        page = context.new_page()
        page.goto(f"{self.url}{path}")
        return page

    def sign_in(self, context: BrowserContext, **who: str) -> None:
        """A name and password, or a card and code."""
        answer = context.request.post(f"{self.url}/api/v1/session", data=who, headers=PAGE)
        assert answer.ok, answer.text()

    def context(self, *, theme: str, width: int, height: int) -> BrowserContext:
        return self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = program("chromium", "apt-get install chromium")
    if not (STATIC / "index.html").is_file():
        missing("the build of the screens", "make web")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def registry() -> Registry:
    """The site that is shown; a module may have one of its own."""
    return small_registry()


@pytest.fixture
def screens(tmp_path: Path, browser: Browser, registry: Registry) -> Iterator[Screens]:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    writer, reader = open_writer(url, SHANGHAI), open_reader(url, SHANGHAI)
    database = Database.open(ready.sqlite(tmp_path))
    users = Users(database, Passwords())
    for role in (Role.CREW, Role.OFFICE):
        users.create(role, role, None, PASSWORD, now_us())
    quarantine = tmp_path / "quarantine"
    parts = Parts(registry, reader, database, quarantine, now_us, STATIC, tariffs=TARIFFS)
    port = free_port()
    with ExitStack() as running:
        running.enter_context(serving(parts, port))
        yield Screens(port, writer, parts, browser, running.close)
        for context in browser.contexts:
            context.close()
    reader.close()
    writer.close()
    database.close()


@contextmanager
def serving(parts: Parts, port: int) -> Iterator[None]:
    """The API at a port until the block ends."""
    config = uvicorn.Config(
        create_app(parts), port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "the API listens")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(patient_s(10))
