"""``smartbin user`` and ``smartbin token``: people who sign in, and programs' tokens."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from smartbin.core import calendar
from smartbin.core.command import Command, Group, now_us
from smartbin.core.errors import BadInput
from smartbin.core.scope import EVERYTHING
from smartbin.core.settings import StoreSettings
from smartbin.database import Database
from smartbin.database.command import add_wait, opened
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.tokens import DAY_US, DAYS, DAYS_MAX, Tokens
from smartbin.people.users import Users
from smartbin.places import Registry
from smartbin.places.load import load

_ROLES = [role.value for role in Role if role not in (Role.PUBLIC, Role.RESIDENT)]


def _user_arguments(user: argparse.ArgumentParser) -> None:
    user.add_argument("action", choices=["create", "list", "disable", "enable", "password"])
    user.add_argument("--name", default="")
    user.add_argument("--role", choices=_ROLES)
    user.add_argument("--community", help="the one that role community is bound to")
    user.add_argument(
        "--password-file", type=Path, help="read the password there, - is standard input; else ask"
    )
    add_wait(user)


def _token_arguments(token: argparse.ArgumentParser) -> None:
    token.add_argument("action", choices=["create", "list", "revoke"])
    token.add_argument("--name", default="")
    token.add_argument("--role", choices=_ROLES, default=Role.CREW.value)
    token.add_argument("--community", help="the one that a token of that role is bound to")
    token.add_argument(
        "--days", type=int, choices=range(1, DAYS_MAX + 1), default=DAYS, metavar="DAYS",
        help=f"how long it works, {DAYS} unless said, at most {DAYS_MAX}",
    )  # fmt: skip
    add_wait(token)


def _user(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    database = opened(settings, args.wait_s)
    print(_changed(args, database, load(settings.site), now_us()))
    return 0


def _token(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    tokens = Tokens(opened(settings, args.wait_s))
    if args.action == "list":
        for known in tokens.all(EVERYTHING):
            who = known.principal
            ends, used = _day(known.ends_us, "no end"), _day(known.last_used_us, "never")
            print(f"{who.name}  {who.role}  {who.community or '-'}  ends {ends}  last used {used}")
        return 0
    if not args.name:
        raise BadInput("--name: say whose token it is, for example --name truck-3")
    if args.action == "revoke":
        tokens.revoke(args.name)
        return 0
    if args.community is not None:
        load(settings.site).community(args.community)
    ends_us = now_us() + args.days * DAY_US
    print(tokens.create(args.name, Role(args.role), args.community, ends_us))
    print("shown this once; keep it safe · 仅显示一次，请妥善保存", file=sys.stderr)
    return 0


def _day(at_us: int | None, without: str) -> str:
    return without if at_us is None else calendar.from_us(at_us, ZoneInfo("UTC")).date().isoformat()


def _changed(args: argparse.Namespace, database: Database, registry: Registry, now_us: int) -> str:
    """Carry ``user`` out; answers what to show. Raises BadInput, UnknownPlace."""
    users = Users(database, Passwords())
    if args.action == "list":
        return "\n".join(
            f"{u.name}  {u.role}  {u.community or '-'}  {'disabled' if u.disabled_us else 'active'}"
            for u in users.all(EVERYTHING)
        )
    if not args.name:
        raise BadInput("--name: say who, for example --name li.wei")
    if args.action == "create":
        if args.role is None:
            raise BadInput("--role: say which, for example --role crew")
        if args.community is not None:
            registry.community(args.community)
        password = _password(args.password_file)
        user = users.create(args.name, Role(args.role), args.community, password, now_us)
        return f"{user.name} may sign in as {user.role} · 已创建，可登录"
    if args.action == "disable":
        users.disable(args.name, now_us)
        return f"{args.name} may sign in no more; their sessions have ended · 已停用"
    if args.action == "enable":
        users.enable(args.name)
        return f"{args.name} may sign in again · 已启用"
    users.set_password(args.name, _password(args.password_file))
    return f"{args.name} has another password; their sessions have ended · 密码已更改"


def _password(file: Path | None) -> str:
    """Never from the command line: others see it there, and the shell keeps it."""
    if file is not None:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"--password-file: cannot read {file} ({error})") from None
        return text.removesuffix("\n")
    if not sys.stdin.isatty():
        raise BadInput("--password-file: there is no terminal to ask at; name a file, or - ")
    first = getpass.getpass("Password · 密码: ")
    if getpass.getpass("Again · 再输一次: ") != first:
        raise BadInput("password: the two differ; begin again")
    return first


COMMANDS = (
    Command(
        "user", Group.PEOPLE, "people who sign in with a name and a password", "用户与密码",
        _user, _user_arguments,
    ),
    Command(
        "token", Group.PEOPLE, "bearer tokens of programs", "程序的令牌", _token, _token_arguments
    ),
)  # fmt: skip
