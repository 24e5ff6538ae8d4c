"""``smartbin accounts``: households and enterprises and their cards."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping
from pathlib import Path

from smartbin.accounts.store import Accounts
from smartbin.core.command import Command, Group, day, now_us
from smartbin.core.errors import BadInput
from smartbin.core.settings import StoreSettings
from smartbin.database import Database
from smartbin.database.command import add_wait, opened
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.places.tables import OPEN_END


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_wait(parser)
    actions = parser.add_subparsers(dest="action", required=True)
    table = actions.add_parser("import", help="a table card,kind,community,from,to[,account]")
    table.add_argument("file", type=Path)
    actions.add_parser("list", help="the same table of what is known, with balances")
    replace = actions.add_parser("replace-card", help="a lost card: another one for its account")
    replace.add_argument("old")
    replace.add_argument("new")
    replace.add_argument("--from", dest="first", type=day, help="the new card's first day")


def _accounts(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    registry = load(settings.site)
    print(accounts_command(args, opened(settings, args.wait_s), registry, now_us()))
    return 0


def accounts_command(
    args: argparse.Namespace, database: Database, registry: Registry, now_us: int
) -> str:
    """Carry ``accounts`` out; answers what to show. Raises BadInput, StoreUnavailable."""
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


COMMANDS = (
    Command(
        "accounts", Group.POINTS, "import households' cards, list them, replace one",
        "导入、列出账户与更换卡片", _accounts, _arguments,
    ),
)  # fmt: skip
