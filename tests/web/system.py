"""The real system for the screens: Mosquitto, the gateway's and the API's own processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import update

from smartbin.database import Database
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.tables import session
from smartbin.people.users import Users
from tests.broker.devices import publishing
from tests.broker.process import Gateway
from tests.database import ready
from tests.places.small import SHANGHAI
from tests.real import Mosquitto, free_port, patient_s, until

PASSWORD = "four quiet lorries"
PEOPLE = {"crew": Role.CREW, "crew-2": Role.CREW, "office": Role.OFFICE}
PAGE = {"X-Requested-With": "smartbin"}


@dataclass
class System:
    """Everything runs; what a test does comes in over MQTT or through a browser."""

    broker: Mosquitto
    gateway: Gateway
    browser: Browser
    url: str
    seq: int = 0
    contexts: list[BrowserContext] = field(default_factory=list)

    def publish(self, device: str, kind: str, **payload: Any) -> None:
        """One message of a device, as it is on the wire; returns when the broker has it."""
        self.seq += 1
        at = datetime.now(SHANGHAI).isoformat(timespec="milliseconds")
        body = json.dumps({"at": at, "seq": self.seq, **payload}).encode()
        with publishing(self.broker) as devices:
            devices.send([(f"smartbin/v1/xinbei/{device}/{kind}", body)])

    def fill(self, *devices: str, level_pct: int = 97) -> None:
        """The kitchen doors of these are full, and the API knows."""
        for device in devices:
            levels = [{"door": "kitchen", "level_pct": level_pct}]
            self.publish(device, "fill", levels=levels)
        until(lambda: set(devices) <= {d["device"] for d in self.full()}, "the API knows")

    def full(self) -> list[dict[str, Any]]:
        doors = self.asked("bins/full?category=kitchen")["doors"]
        return [door for door in doors if door["state"] in ("full", "overfull")]

    def asked(self, path: str, name: str = "office") -> Any:
        """What the API answers a signed-in person."""
        context = self.browser.new_context()
        try:
            self.sign_in(context, name)
            answer = context.request.get(f"{self.url}/api/v1/{path}")
            assert answer.ok, answer.text()
            return answer.json()
        finally:
            context.close()

    def sign_in(self, context: BrowserContext, name: str) -> None:
        body = {"name": name, "password": PASSWORD}
        answer = context.request.post(f"{self.url}/api/v1/session", data=body, headers=PAGE)
        assert answer.ok, answer.text()

    def phone(self, name: str = "", path: str = "/crew") -> Page:
        """A phone's browser of its own, signed in when a name is given."""
        context = self.browser.new_context(viewport={"width": 390, "height": 844})
        self.contexts.append(context)
        if name:
            self.sign_in(context, name)
        page = context.new_page()
        page.goto(f"{self.url}{path}")
        return page

    def end_every_session(self) -> None:
        """As if all had grown too old."""
        database = Database.open(f"sqlite:///{self.gateway.folder}/records.db")
        with database.write() as db:
            db.execute(update(session).values(ends_us=1))
        database.close()

    def collections(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.asked("collections")["collections"]
        return found


@contextmanager
def running(folder: Path, browser: Browser) -> Iterator[System]:
    """The system with fresh stores in a folder."""
    broker = Mosquitto(folder / "mosquitto")
    broker.start()
    gateway = Gateway(folder, broker)
    settings = {
        **os.environ,
        **gateway.environment(),
        "SMARTBIN_API_HTTP": f"127.0.0.1:{free_port()}",
    }
    database = Database.open(ready.sqlite(folder))  # where the gateway's settings say
    users = Users(database, Passwords())
    for name, role in PEOPLE.items():
        users.create(name, role, None, PASSWORD, time.time_ns() // 1000)
    database.close()
    gateway.start()
    with (folder / "api.log").open("ab") as log:
        api = subprocess.Popen([sys.executable, "-m", "api"], env=settings, stdout=log, stderr=log)
    system = System(broker, gateway, browser, f"http://{settings['SMARTBIN_API_HTTP']}")
    try:
        until(lambda: gateway.get("/readyz")[0] == 200, "the gateway is ready", 60)
        until(lambda: _answers(f"{system.url}/readyz"), "the API is ready", 60)
        yield system
    finally:
        for context in system.contexts:
            context.close()
        api.terminate()
        api.wait(patient_s(20))
        gateway.end(15)
        broker.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=patient_s(5)) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        with error:
            return False
    except OSError:
        return False
