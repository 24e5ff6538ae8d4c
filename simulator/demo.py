"""``demo``: the whole system on this machine and the fleet, to look at; ``--check`` compares."""

from __future__ import annotations

import argparse
import fcntl
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator import run
from simulator.check import compare
from simulator.expect import Expected
from simulator.faults import FaultyDelivery, Profile
from simulator.fleet import Fleet
from simulator.processes import PartFailed
from simulator.residents import open_accounts, sign_in
from simulator.system import PEOPLE, System, started
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput
from smartbin.places import DeviceKind
from smartbin.places.load import load

CHECK_LIVE_HOURS = 2
CHECK_SPEED = 360
# Repeated on a second start: keeping twice is keeping once.
OVERLAP_US = 10 * 60 * calendar.US_PER_S
SAVE_EVERY_S = 5.0


def demo(args: argparse.Namespace, site: Path, seed: int, now_us: Callable[[], int]) -> int:
    """Run the demo until it is asked to end, or its check to the end; answers the exit status."""
    fleet = Fleet(load(site), seed)
    try:
        if args.check:
            return _check(fleet, site, args, now_us)
        with _locked(args.data), started(args.data, site, args.broker) as system:
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
    else:
        since = f"{calendar.from_us(start_us, fleet.registry.site.zone):%Y-%m-%d %H:%M}"
        print(f"接着已有的数据 · going on with the data there is, from {since}", file=sys.stderr)
    _addresses(system)
    with run.buffered(system.broker, fleet.registry.devices) as publisher:
        events = run.backfill(fleet, publisher, start_us, now, pace=system.pace(publisher))
        system.wait_received(publisher.acknowledged)
    _save(state, fleet.seed, now)
    open_accounts(system, fleet)
    _release(system, fleet, start_us, now)
    print(f"居民 resident: {sign_in(system, fleet)}", flush=True)
    with run.devices(system.broker, fleet, now_us) as publisher:
        print(LIVE.format(events=events), flush=True)
        saved_s = time.monotonic()

        def wait(seconds: float) -> bool:
            nonlocal saved_s
            system.processes.check()
            system.tell_screens()
            time.sleep(seconds)
            if time.monotonic() - saved_s > SAVE_EVERY_S:
                saved_s = time.monotonic()
                _save(state, fleet.seed, now_us())
            return False

        run.live(fleet, publisher, now, 1.0, Profile.NONE, now_us, wait)


def _release(system: System, fleet: Fleet, start_us: int, now_us: int) -> None:
    """The history came at once, most of it more than a week late: a person releases it."""
    zone = fleet.registry.site.zone
    first, last = (calendar.day_of(us, zone).isoformat() for us in (start_us, now_us))
    who, why = ("--who", "demo"), ("--reason", "the demo's history")
    system.ask("points", "release", "--from", first, "--to", last, *who, *why)


LIVE = """
历史已补齐（{events} 条），实时数据开始
history is complete ({events} events), live figures from here on
按 Ctrl-C 结束全部，再次启动沿用同样的数据
Ctrl-C ends everything; a second start goes on with the same data
"""


def _addresses(system: System) -> None:
    print(
        f"""
请打开 open:
  看板 boards           {system.api}/
  接口文档 API docs     {system.api}/docs
  网关指标 gateway      {system.gateway}/metrics
  登录 sign in          {" / ".join(PEOPLE)}，密码 password {system.password()}
  收运口令 crew token   {system.token}
  数据 data             {system.folder}
""",
        flush=True,
    )


def _check(fleet: Fleet, site: Path, args: argparse.Namespace, now_us: Callable[[], int]) -> int:
    """Backfill, live with mild faults, then every answer against what must be."""
    try:
        args.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"--data: cannot make {args.data} ({error.strerror}); name another"
        ) from None
    folder = Path(tempfile.mkdtemp(prefix="check-", dir=args.data))
    expected = Expected(fleet.registry)
    with started(folder, site, args.broker) as system:
        until_us = now_us()
        live_us = until_us - CHECK_LIVE_HOURS * calendar.US_PER_HOUR
        start_us = run.days_before(fleet, until_us, args.days)
        with run.buffered(system.broker, fleet.registry.devices) as publisher:
            pace = system.pace(publisher)
            run.backfill(
                fleet, publisher, start_us, live_us, args.faults, seen=expected.add_one, pace=pace
            )
        backfilled = publisher.acknowledged
        born: list[FaultyDelivery] = []
        with run.devices(system.broker, fleet, now_us, born.append) as publisher:
            print(
                f"实时 {CHECK_LIVE_HOURS} 小时，{CHECK_SPEED} 倍速 · live, {CHECK_LIVE_HOURS} h x "
                f"{CHECK_SPEED}, {args.faults} faults",
                file=sys.stderr,
            )
            run.live(
                fleet, publisher, live_us, CHECK_SPEED, args.faults, now_us, _sleep,
                until_us=until_us, seen=expected.add_one, silent={_silent(fleet)},
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
    differ = len(differences)
    print(f"已核对 {compared} 项，{differ} 项不符 · {compared} answers compared, {differ} differ")
    if differences:
        print(f"数据留在 · what was stored is in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


def _silent(fleet: Fleet) -> str:
    """The bin that says nothing while the check's others live: its doors must show as silent."""
    return next(d.id for d in fleet.registry.devices.values() if d.kind is DeviceKind.BIN)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    _make(folder)
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


def _make(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--data: cannot make {data} ({error.strerror}); name another") from None
