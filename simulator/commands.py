"""``smartbin simulate`` and ``smartbin demo``: a fleet that does not exist, published over MQTT."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from simulator import run
from simulator.broker import BrokerConnection, BrokerLost
from simulator.demo import demo
from simulator.ending import Ended, ending
from simulator.expect import Expected
from simulator.faults import Profile, deliveries
from simulator.fleet import Fleet
from simulator.households import write_accounts
from simulator.replay import add_replay, replay
from simulator.settings import SimulatorSettings
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput
from smartbin.places.load import load

EXIT_BAD_INPUT = 2
SEED = 20261124
DAYS_MAX = 3660
# No gateway takes an earlier one, and what lies far ahead is a slip of the hand.
FIRST_DAY, LAST_DAY = date(2020, 1, 1), date(2100, 1, 1)


def _broker(settings: SimulatorSettings) -> BrokerConnection:
    """Where to publish."""
    password = settings.mqtt_password.get_secret_value()
    return BrokerConnection.parse(
        settings.mqtt_url, password, settings.mqtt_ca_file, settings.simulator_credentials
    )


def run_command(argv: Sequence[str], prog: str) -> int:
    """Run one command; answers the exit status."""
    args = _parser(prog).parse_args(argv)
    try:
        with ending():
            return int(args.command(args, SimulatorSettings.read(os.environ)))
    except (BadInput, BrokerLost) as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT if isinstance(error, BadInput) else 1
    except Ended as ended:
        print(f"\n已结束 · ended ({ended})", file=sys.stderr)
        return ended.status


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    live = commands.add_parser("live", help="publish as time passes, until Ctrl-C")
    live.add_argument("--speed", type=_speed, default=1.0, help="times the clock (default 1)")
    live.add_argument(
        "--since",
        type=_moment,
        help="where to start; at a speed above 1 a day ago by default, because a gateway refuses "
        "the future: having caught up, the run goes on at the clock's pace",
    )
    live.set_defaults(command=_live)

    fill = commands.add_parser("backfill", help="publish the last days, in batch messages")
    fill.add_argument("--days", type=_count, default=30, help="calendar days before today (30)")
    fill.set_defaults(command=_backfill)

    expect = commands.add_parser("expect", help="print what the stores must hold, as JSON")
    expect.add_argument("--from", dest="first", type=_day, required=True, metavar="DAY")
    expect.add_argument("--to", dest="last", type=_day, required=True, metavar="DAY")
    expect.set_defaults(command=_expect)
    for command in (live, fill, expect):
        command.add_argument(
            "--faults",
            type=_profile,
            default=Profile.NONE,
            metavar="PROFILE",
            help="none, mild or harsh (default none)",
        )

    cards = commands.add_parser("accounts", help="write the fleet's cards as CSV for import")
    cards.add_argument("file", type=Path)
    cards.add_argument("--since", type=_day, default=date(2024, 1, 1))
    cards.set_defaults(command=_accounts)
    for command in (live, fill, expect, cards):
        command.add_argument("--seed", type=_seed, default=SEED, help=f"the fleet ({SEED})")

    again = commands.add_parser("replay", help="publish real history from a CSV file")
    add_replay(again)
    again.set_defaults(command=lambda args, settings: replay(args, lambda: _broker(settings)))

    show = commands.add_parser("demo", help="run the whole system on this machine")
    show.add_argument("--check", action="store_true", help="compare with what must be, and end")
    show.add_argument(
        "--broker",
        choices=["auto", "mosquitto", "embedded"],
        default="auto",
        help="auto: Mosquitto when it is installed, else the embedded one",
    )
    show.add_argument(
        "--faults",
        type=_profile,
        default=Profile.MILD,
        metavar="PROFILE",
        help="with --check: none, mild or harsh (default mild)",
    )
    show.add_argument("--days", type=_count, default=30, help="days of history (30)")
    show.add_argument("--data", type=Path, default=Path("var/demo"), help="where its data lies")
    show.set_defaults(command=lambda args, settings: demo(args, settings.site, SEED, _now_us))
    return parser


def _live(args: argparse.Namespace, settings: SimulatorSettings) -> int:
    fleet = Fleet(load(settings.site), args.seed)
    now_us = _now_us()
    start_us = args.since if args.since is not None else now_us
    if args.since is None and args.speed > 1:
        start_us = now_us - 24 * calendar.US_PER_HOUR
    if start_us > now_us:
        raise BadInput("--since: lies in the future, which a gateway refuses; name an earlier time")
    with run.devices(_broker(settings), fleet, _now_us) as publisher:
        count = len(fleet.registry.devices)
        print(f"{count} 台设备已连接 · {count} devices connected, Ctrl-C ends", file=sys.stderr)
        run.live(fleet, publisher, start_us, args.speed, args.faults, _now_us, _sleep)
    return 0


def _backfill(args: argparse.Namespace, settings: SimulatorSettings) -> int:
    fleet = Fleet(load(settings.site), args.seed)
    end_us = _now_us()
    start_us = run.days_before(fleet, end_us, args.days)
    with run.buffered(_broker(settings), fleet.registry.devices) as publisher:
        events = run.backfill(fleet, publisher, start_us, end_us, args.faults)
    print(f"{events} events published and acknowledged · 条已发布并确认", file=sys.stderr)
    return 0


def _expect(args: argparse.Namespace, settings: SimulatorSettings) -> int:
    if args.last < args.first:
        raise BadInput(f"--to: {args.last} lies before --from {args.first}; swap them")
    if len(Days(args.first, args.last)) > DAYS_MAX:
        raise BadInput(f"--from: more than {DAYS_MAX} days; ask for fewer at a time")
    fleet = Fleet(load(settings.site), args.seed)
    start_us, end_us = calendar.bounds_us(Days(args.first, args.last), fleet.registry.site.zone)
    expected = Expected(fleet.registry)
    expected.add(deliveries(fleet, start_us, end_us, args.faults))
    json.dump(expected.shown(), sys.stdout, ensure_ascii=False, indent=1)
    print()
    return 0


def _accounts(args: argparse.Namespace, settings: SimulatorSettings) -> int:
    try:
        with args.file.open("w", encoding="utf-8-sig", newline="") as file:
            count = write_accounts(load(settings.site), args.seed, args.since, file)
    except OSError as error:
        raise BadInput(f"FILE: cannot write {args.file} ({error.strerror}); name another") from None
    print(f"{count} cards in {args.file}", file=sys.stderr)
    return 0


def _profile(text: str) -> Profile:
    try:
        return Profile(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of none, mild, harsh") from None


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed from 0.01 to 10000; write 60")
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {DAYS_MAX}")
    return int(text)


def _day(text: str) -> date:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write 2026-11-01") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day from {FIRST_DAY} to {LAST_DAY}")
    return day


def _seed(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number; write {SEED}")
    return int(text)


def _moment(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None and at.date() >= FIRST_DAY:
            return calendar.to_us(at)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a time since {FIRST_DAY} with an offset; write 2026-11-01T08:00:00+08:00"
    )


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _now_us() -> int:
    return calendar.to_us(datetime.now(UTC))
