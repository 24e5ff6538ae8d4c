"""``smartbin month`` and ``smartbin settle``: the ledger's months, and booking points."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.command import Command, Group, day, now_us
from smartbin.core.errors import BadInput
from smartbin.core.settings import StoreSettings
from smartbin.database import Database
from smartbin.database.command import add_wait, opened
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.points import months
from smartbin.points.claims import Claims
from smartbin.points.ledger import month_of
from smartbin.points.rules.claims import ClaimState
from smartbin.points.rules.load import load_tariffs
from smartbin.points.settings import PointsSettings
from smartbin.points.settle import Settler


def _month_arguments(parser: argparse.ArgumentParser) -> None:
    add_wait(parser)
    steps = parser.add_subparsers(dest="action", required=True)
    close = steps.add_parser("close", help="write points-MONTH.csv; again writes the same")
    close.add_argument("month", type=_month_number)
    close.add_argument("--folder", type=Path, default=Path("var/months"))
    steps.add_parser("check", help="compare a closed month's file with the ledger").add_argument(
        "file", type=Path
    )


def _settle_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--again", nargs=2, type=day, metavar=("FROM", "TO"),
        help="compute these days anew, after the tariff or the registry was corrected",
    )  # fmt: skip
    add_wait(parser)


def _month(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    registry = load(settings.site)
    print(month_command(args, opened(settings, args.wait_s), registry, now_us()))
    return 0


def _settle(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    registry = load(settings.site)
    file = PointsSettings.read(environ).tariff_file
    tariffs = load_tariffs(file, registry.communities)
    database = opened(settings, args.wait_s)
    print(settle_command(args, Settler(database, registry, tariffs), now_us()))
    return 0


def month_command(
    args: argparse.Namespace, database: Database, registry: Registry, now_us: int
) -> str:
    """Carry ``month`` out; answers what to show. Raises BadInput, StoreUnavailable."""
    zone = registry.site.zone
    if args.action == "close":
        done = months.close(database, args.month, args.folder, now_us, zone)
        waiting = f"; {done.unsettled} marks were not settled yet" if done.unsettled else ""
        return (
            f"{done.file}: {done.entries} entries, {done.points} points, sha256 {done.sha256}"
            f"{waiting} · 已结账"
        )
    if differences := months.check(database, args.file, zone):
        raise BadInput("\n".join(differences))
    return f"{args.file} agrees with the ledger · 与台账一致"


def settle_command(args: argparse.Namespace, settler: Settler, now_us: int) -> str:
    """Carry ``settle`` out; answers what to show. Raises BadInput, StoreUnavailable."""
    if args.again:
        first, last = args.again
        if last < first:
            raise BadInput(f"--again: TO {last} lies before FROM {first}; swap them")
        settler.again(Days(first, last))
    marks = entries = 0
    while True:
        done = settler.settle(now_us)
        marks += done.marks
        entries += done.entries
        if not done.left:
            break
        if not done.marks:
            return f"another settler is at work; {marks} marks, {entries} entries booked"
    entries += settler.expire(now_us)
    return f"{marks} marks, {entries} entries booked · 已结算"


def _month_number(text: str) -> int:
    try:
        return month_of(day(f"{text}-01"))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a month; write 2026-10") from None


def _points_arguments(parser: argparse.ArgumentParser) -> None:
    add_wait(parser)
    steps = parser.add_subparsers(dest="action", required=True)
    steps.add_parser("held", help="list what arrived too late and waits for a decision")
    for action, said in (
        ("release", "let what a device told of these days earn (every device that waits)"),
        ("void", "let it earn nothing: booked as differences, nothing is rewritten"),
    ):
        step = steps.add_parser(action, help=said)
        step.add_argument("--device", required=action == "void")
        step.add_argument("--from", dest="first", type=day, required=True, metavar="DAY")
        step.add_argument("--to", dest="last", type=day, required=True, metavar="DAY")
        step.add_argument("--who", required=True, help="the name of who decides")
        step.add_argument("--reason", required=True)


def _points(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    registry = load(settings.site)
    print(points_command(args, opened(settings, args.wait_s), registry, now_us()))
    return 0


def points_command(
    args: argparse.Namespace, database: Database, registry: Registry, now_us: int
) -> str:
    """Carry ``points`` out; answers what to show. Raises BadInput, StoreUnavailable."""
    claims = Claims(database, registry.site.zone)
    if args.action == "held":
        rows = [
            f"{one.device}: {one.deposits} deposits with {one.cards} cards, "
            f"{calendar.day_of(one.first_us, registry.site.zone)} to "
            f"{calendar.day_of(one.last_us, registry.site.zone)}"
            for one in claims.held()
        ]
        return "\n".join([*rows, f"{len(rows)} devices wait · 待核实"])
    if args.last < args.first:
        raise BadInput(f"--to: {args.last} lies before --from {args.first}; swap them")
    if args.device and args.device not in registry.devices:
        raise BadInput(f"--device: there is no {args.device!r}; see devices.csv")
    state = ClaimState.RELEASED if args.action == "release" else ClaimState.REJECTED
    devices = [args.device] if args.device else [one.device for one in claims.held()]
    days = Days(args.first, args.last)
    marked = sum(
        claims.decide(device, days, state, args.reason, args.who, now_us).card_days
        for device in devices
    )
    done = "released · 已核准" if state is ClaimState.RELEASED else "voided · 已作废"
    return f"{len(devices)} devices, {marked} card-days {done}; settling books them"


COMMANDS = (
    Command(
        "points", Group.POINTS, "list, release or void what devices told of deposits",
        "核实、核准或作废箱体上报的投放", _points, _points_arguments,
    ),
    Command(
        "settle", Group.POINTS, "book what deposits earned, for cron", "结算积分", _settle,
        _settle_arguments,
    ),
    Command(
        "month", Group.POINTS, "close a month of the ledger into a file, or check one",
        "月度结账与核对", _month, _month_arguments,
    ),
)  # fmt: skip
