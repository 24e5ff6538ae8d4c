"""The operator's commands: what they are called and what they take."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from smartbin.core.command import Command, Group
from smartbin.core.settings import StoreSettings
from smartbin.database import Database
from smartbin.operator import backup, check, copy, provision, quarantine_commands, secrets, setup
from smartbin.places.load import load


def _setup(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    for line in setup.setup_command(StoreSettings.read(environ), args):
        print(line)
    return 0


def _migrate(_args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    database = Database.open(settings.records_url, settings.records_password.get_secret_value())
    before, after = database.migrate()
    print(f"records: {before or 'empty'} -> {after}" if before != after else f"records: at {after}")
    return 0


def _secrets(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    print(secrets.secrets_command(args, load(StoreSettings.read(environ).site).devices))
    return 0


def _provision(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    print(provision.provision_command(args, load(StoreSettings.read(environ).site).devices))
    return 0


def _copy(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    token = settings.telemetry_token.get_secret_value() or None
    print(copy.copy_command(args, load(settings.site).site.zone, token))
    return 0


def _quarantine(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    return quarantine_commands.quarantine_command(
        StoreSettings.read(environ), args.action, args.id, args.reason, args.device, args.as_of
    )


def _with_folder(act: backup.Act) -> Callable[[argparse.Namespace, Mapping[str, str]], int]:
    def run(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
        settings = StoreSettings.read(environ)
        for line in act(settings, args.folder, load(settings.site).site.zone):
            print(line)
        return 0

    return run


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path)


COMMANDS = (
    Command(
        "setup", Group.SET_UP, "make what the telemetry store needs, once", "初始化遥测数据库",
        _setup, setup.add_arguments,
    ),
    Command(
        "migrate", Group.SET_UP, "bring the records' database up to date; repeat at will",
        "升级业务数据库", _migrate,
    ),
    Command(
        "secrets", Group.SET_UP, "make every secret of a deployment that is missing",
        "生成部署所需密钥", _secrets, secrets.add_arguments,
    ),
    Command(
        "provision", Group.SET_UP, "make, rotate, revoke device credentials", "管理设备凭据",
        _provision, provision.add_arguments,
    ),
    Command(
        "check", Group.SET_UP, "check a site's folder or tariff: counts, or every mistake",
        "检查登记表与积分规则", check.check_command, check.add_arguments,
    ),
    Command(
        "backup", Group.DATA, "take a backup of both stores and the quarantine", "备份",
        _with_folder(backup.backup), _folder,
    ),
    Command(
        "restore", Group.DATA, "put a backup into empty stores", "恢复备份",
        _with_folder(backup.restore), _folder,
    ),
    Command(
        "copy", Group.DATA, "copy one telemetry store into another", "复制遥测数据", _copy,
        copy.add_arguments,
    ),
    Command(
        "quarantine", Group.DATA, "list, show, replay or drop refused messages", "处理隔离消息",
        _quarantine, quarantine_commands.add_arguments,
    ),
)  # fmt: skip
