"""``python -m api user ...``: people who sign in with a name and a password."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from smartbin.core.errors import BadInput
from smartbin.database import Database
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.users import Users
from smartbin.places import Registry


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command and its options."""
    user = commands.add_parser("user", help="people who sign in with a name and a password")
    user.add_argument("action", choices=["create", "list", "disable", "enable", "password"])
    user.add_argument("--name", default="")
    roles = [role.value for role in Role if role not in (Role.PUBLIC, Role.RESIDENT)]
    user.add_argument("--role", choices=roles)
    user.add_argument("--community", help="the one that role community is bound to")
    user.add_argument(
        "--password-file", type=Path, help="read the password there, - is standard input; else ask"
    )


def run(args: argparse.Namespace, database: Database, registry: Registry, now_us: int) -> str:
    """Carry the command out; answers what to show. Raises BadInput, UnknownPlace."""
    users = Users(database, Passwords())
    if args.action == "list":
        return "\n".join(
            f"{u.name}  {u.role}  {u.community or '-'}  {'disabled' if u.disabled_us else 'active'}"
            for u in users.all()
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
