"""``python -m api accounts ...`` and ``settle``: what a clerk or cron does about points."""

from __future__ import annotations

import argparse
import csv
import sys
from datetime import date, datetime
from pathlib import Path

from smartbin.accounts.store import Accounts
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput
from smartbin.database import Database
from smartbin.places import Registry
from smartbin.places.tables import OPEN_END
from smartbin.points import months
from smartbin.points.ledger import month_of
from smartbin.points.rules.tariff import Tariffs
from smartbin.points.settle import Settler

FIRST_DAY, LAST_DAY = date(2020, 1, 1), date(2100, 1, 1)
COMMANDS = ("accounts", "month", "settle")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The commands and their options."""
    accounts = commands.add_parser("accounts", help="households and enterprises and their cards")
    actions = accounts.add_subparsers(dest="action", required=True)
    load = actions.add_parser("import", help="a table card,kind,community,from,to[,account]")
    load.add_argument("file", type=Path)
    actions.add_parser("list", help="the same table of what is known, with balances")
    replace = actions.add_parser("replace-card", help="a lost card: another one for its account")
    replace.add_argument("old")
    replace.add_argument("new")
    replace.add_argument("--from", dest="first", type=_day, help="the new card's first day")
    month = commands.add_parser("month", help="close a month of the ledger into a file")
    steps = month.add_subparsers(dest="action", required=True)
    close = steps.add_parser("close", help="write points-MONTH.csv; again writes the same")
    close.add_argument("month", type=_month)
    close.add_argument("--folder", type=Path, default=Path("var/months"))
    steps.add_parser("check", help="compare a closed month's file with the ledger").add_argument(
        "file", type=Path
    )
    settle = commands.add_parser("settle", help="book what deposits earned, for cron")
    settle.add_argument(
        "--again", nargs=2, type=_day, metavar=("FROM", "TO"),
        help="compute these days anew, after the tariff or the registry was corrected",
    )  # fmt: skip


def run(
    args: argparse.Namespace, database: Database, registry: Registry, tariffs: Tariffs, now_us: int
) -> str:
    """Carry the command out; answers what to show. Raises BadInput, StoreUnavailable."""
    if args.command == "month":
        return _months(args, database, registry, now_us)
    if args.command == "settle":
        return _settle(args, Settler(database, registry, tariffs), now_us)
    accounts = Accounts(database)
    if args.action == "import":
        done = accounts.load(args.file, registry.communities, now_us)
        return (
            f"{done.accounts} accounts made, {done.begun} rows new, {done.changed} changed, "
            f"{done.unchanged} as they were · 已导入"
        )
    if args.action == "replace-card":
        if args.first is None:
            raise BadInput("--from: say the new card's first day, for example --from 2026-11-24")
        code = accounts.replace_card(args.old, args.new, args.first, now_us)
        return f"account {code} uses card {args.new} from {args.first} · 已换卡"
    table = csv.writer(sys.stdout)
    table.writerow(("card", "kind", "community", "from", "to", "account", "balance"))
    for one in accounts.all():
        for h in one.holdings:
            last = "" if h.days.last >= OPEN_END else h.days.last
            table.writerow(
                (h.card, one.kind, h.community, h.days.first, last, one.code, one.balance)
            )
    return ""


def _months(args: argparse.Namespace, database: Database, registry: Registry, now_us: int) -> str:
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


def _settle(args: argparse.Namespace, settler: Settler, now_us: int) -> str:
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


def _month(text: str) -> int:
    try:
        return month_of(_day(f"{text}-01"))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is no month; write 2026-10") from None


def _day(text: str) -> date:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        day = date.min
    if not FIRST_DAY <= day <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is no date since 2020; write 2026-11-01")
    return day
