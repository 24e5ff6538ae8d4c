"""The whole system on one machine: broker, gateway, API as child processes, and the fleet."""

from __future__ import annotations

import argparse
import fcntl
import json
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulator import run
from simulator.broker import Broker
from simulator.check import compare
from simulator.children import LOCAL, Children, PartFailed, port_of, start_broker
from simulator.expect import Expected
from simulator.faults import Delivery, Profile
from simulator.fleet import Fleet
from simulator.publisher import Publisher
from smartbin import calendar
from smartbin.calendar import Days
from smartbin.errors import BadInput
from smartbin.registry.load import load

CHECK_LIVE_HOURS = 2
CHECK_SPEED = 360
OVERLAP_US = (
    10 * 60 * calendar.US_PER_S
)  # repeated on a second start: keeping twice is keeping once
LEAD_MAX = 400  # messages published and not yet received by the gateway, while backfilling
CAUGHT_UP_S = 120.0
SAVE_EVERY_S = 5.0
PEOPLE = ("crew", "office")  # names that are their roles
NEW_TOKEN = ("token", "create", "--role", "crew", "--name", "demo")


@dataclass(frozen=True, slots=True)
class System:
    """The running parts and where they are."""

    children: Children
    folder: Path
    broker: Broker
    api: str
    gateway: str
    token: str  # a crew's

    def received(self) -> int:
        """How many messages the gateway has kept and acknowledged since it started."""
        with urllib.request.urlopen(f"{self.gateway}/metrics", timeout=10) as answer:  # noqa: S310 - ours
            shown = answer.read().decode()
        received, in_hand = (
            _metric(shown, n) for n in ("messages_received_total", "batch_messages")
        )
        return received - in_hand

    def wait_received(self, wanted: int) -> None:
        """Until the gateway has taken that many; raises PartFailed when it stops doing so."""
        deadline_s = time.monotonic() + CAUGHT_UP_S
        while (received := self.received()) < wanted:
            self.children.check()
            if time.monotonic() > deadline_s:
                raise PartFailed(
                    f"the gateway took {received} of {wanted} messages; its log is in {self.folder}"
                )
            time.sleep(0.1)


def demo(args: argparse.Namespace, site: Path, seed: int, now_us: Callable[[], int]) -> int:
    """Run the demo until Ctrl-C, or its check to the end; answers the exit status."""
    fleet = Fleet(load(site), seed)
    # SIGTERM ends the demo as Ctrl-C does: through the exits that end every child.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        if args.check:
            return _check(fleet, site, args, now_us)
        with _locked(args.data), _started(args.data, site, args.broker) as system:
            _show(fleet, system, args, now_us)
        return 0
    except PartFailed as error:
        print(error, file=sys.stderr)
        return 1


def _show(
    fleet: Fleet, system: System, args: argparse.Namespace, now_us: Callable[[], int]
) -> None:
    now = now_us()
    state = system.folder / "state.json"
    start_us = _reached(state, fleet.seed)
    if start_us is None:
        start_us = run.days_before(fleet, now, args.days)
    with run.buffered(system.broker, fleet.registry.devices) as publisher:
        run.backfill(fleet, publisher, start_us, now, pace=_pace(system, publisher))
        system.wait_received(publisher.acknowledged)
    _save(state, fleet.seed, now)
    with run.devices(system.broker, fleet, now_us) as publisher:
        _addresses(system)
        saved_s = time.monotonic()

        def wait(seconds: float) -> bool:
            nonlocal saved_s
            system.children.check()
            time.sleep(seconds)
            if time.monotonic() - saved_s > SAVE_EVERY_S:
                saved_s = time.monotonic()
                _save(state, fleet.seed, now_us())
            return False

        try:
            run.live(fleet, publisher, now, 1.0, Profile.NONE, now_us, wait)
        except KeyboardInterrupt:
            print("\n结束 ending", file=sys.stderr)


def _check(fleet: Fleet, site: Path, args: argparse.Namespace, now_us: Callable[[], int]) -> int:
    """Backfill, live with mild faults, then every answer against what must be."""
    args.data.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="check-", dir=args.data))
    expected = Expected(fleet.registry)
    with _started(folder, site, args.broker) as system:
        until_us = now_us()
        live_us = until_us - CHECK_LIVE_HOURS * calendar.US_PER_HOUR
        start_us = run.days_before(fleet, until_us, args.days)
        with run.buffered(system.broker, fleet.registry.devices) as publisher:
            pace = _pace(system, publisher)
            run.backfill(fleet, publisher, start_us, live_us, seen=expected.add_one, pace=pace)
        backfilled = publisher.acknowledged
        born: list[Delivery] = []
        with run.devices(system.broker, fleet, now_us, born.append) as publisher:
            print(f"实时 live, {CHECK_LIVE_HOURS} h x {CHECK_SPEED}, mild faults", file=sys.stderr)
            never = threading.Event()
            run.live(
                fleet, publisher, live_us, CHECK_SPEED, Profile.MILD, now_us, never.wait,
                until_us=until_us, seen=expected.add_one,
            )  # fmt: skip
            system.wait_received(backfilled + publisher.acknowledged)
            expected.add(born)
            zone = fleet.registry.site.zone
            days = Days(calendar.day_of(start_us, zone), calendar.day_of(until_us, zone))
            differences, compared = compare(
                system.api, system.token, system.folder / "quarantine", expected, days
            )
    for difference in differences[:50]:
        print(difference, file=sys.stderr)
    print(f"{compared} answers compared, {len(differences)} differ")
    if differences:
        print(f"what was stored is in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


@contextmanager
def _started(folder: Path, site: Path, choice: str) -> Iterator[System]:
    folder = folder.resolve()
    with Children(folder / "logs") as children:
        mqtt, http, health = port_of(1883), port_of(8000), port_of(8001)
        print(f"消息服务 broker: {start_broker(children, folder, mqtt, choice)}", file=sys.stderr)
        settings = {
            "SMARTBIN_SITE": str(site),
            "SMARTBIN_MQTT_URL": f"mqtt://{LOCAL}:{mqtt}",
            "SMARTBIN_TELEMETRY_URL": f"sqlite:///{folder}/telemetry.db",
            "SMARTBIN_RECORDS_URL": f"sqlite:///{folder}/records.db",
            "SMARTBIN_QUARANTINE": str(folder / "quarantine"),
            "SMARTBIN_GATEWAY_HTTP": f"{LOCAL}:{health}",
            "SMARTBIN_API_HTTP": f"{LOCAL}:{http}",
        }
        children.start("gateway", [sys.executable, "-m", "gateway"], settings)
        children.start("api", [sys.executable, "-m", "api"], settings)
        gateway, api = f"http://{LOCAL}:{health}", f"http://{LOCAL}:{http}"
        children.wait_for_url("gateway", f"{gateway}/readyz")
        children.wait_for_url("api", f"{api}/healthz")
        token = _token(children, folder / "crew.token", settings)
        _people(children, folder / "password", settings)
        broker = Broker.parse(settings["SMARTBIN_MQTT_URL"])
        yield System(children, folder, broker, api, gateway, token)


def _token(children: Children, kept: Path, settings: dict[str, str]) -> str:
    """The demo's crew token: made once, kept in a file that only its owner reads."""
    if kept.exists():
        return kept.read_text(encoding="utf-8")
    token = children.ask("token create", [sys.executable, "-m", "api", *NEW_TOKEN], settings)
    kept.touch(mode=0o600)
    kept.write_text(token, encoding="utf-8")
    return token


def _people(children: Children, kept: Path, settings: dict[str, str]) -> None:
    """Who signs in on the demo's screens: made once, with one password kept like the token."""
    if kept.exists():
        return
    fresh = kept.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_urlsafe(12), encoding="utf-8")
    for name in PEOPLE:
        create = ("user", "create", "--name", name, "--role", name, "--password-file", str(fresh))
        children.ask("user create", [sys.executable, "-m", "api", *create], settings)
    fresh.replace(kept)


def _metric(shown: str, name: str) -> int:
    found = re.search(rf"^smartbin_gateway_{name} (\S+)", shown, re.MULTILINE)
    if found is None:
        raise PartFailed(f"the gateway's /metrics shows no smartbin_gateway_{name}")
    return int(float(found[1]))


def _pace(system: System, publisher: Publisher) -> Callable[[], None]:
    """Keeps the lead over the gateway bounded: the embedded broker's memory is no buffer for a
    month.
    """

    def pace() -> None:
        system.wait_received(publisher.published - LEAD_MAX)

    return pace


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(
                f"--data: another demo runs with {folder}; end it or name another folder"
            ) from None
        yield


def _reached(state: Path, seed: int) -> int | None:
    """Up to when an earlier demo published, less an overlap; None for a first start."""
    try:
        known = json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return int(known["until_us"]) - OVERLAP_US if known.get("seed") == seed else None


def _save(state: Path, seed: int, until_us: int) -> None:
    fresh = state.with_suffix(".new")
    fresh.write_text(json.dumps({"seed": seed, "until_us": until_us}), encoding="utf-8")
    fresh.replace(state)


def _addresses(system: System) -> None:
    password = (system.folder / "password").read_text(encoding="utf-8")
    print(
        f"""
看板 boards       {system.api}/
接口文档 API docs {system.api}/docs
网关 gateway      {system.gateway}/metrics
登录 sign in      {" / ".join(PEOPLE)}，密码 password {password}
收运口令 crew token {system.token}
数据 data         {system.folder}

Ctrl-C 结束 ends everything; a second start goes on with the same data.
"""
    )
