"""``python -m api``: read the settings once, build the parts, serve; or make a token."""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.parts import Parts
from api.people import commands as people_commands
from api.points import commands as points_commands
from api.settings import ApiSettings
from api.sorting.publishing import publish
from smartbin.core import calendar
from smartbin.core.errors import BadInput, StoreUnavailable, UnknownPlace
from smartbin.core.printable import log_to_stderr
from smartbin.core.settings import listening
from smartbin.database import Database, wait_for
from smartbin.people.tokens import Role, Tokens
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.points.rules.load import load_tariffs
from smartbin.points.rules.tariff import Tariffs
from smartbin.sorting.rules import limits
from smartbin.telemetry import open_reader

# An open event stream would else hold the server's shutdown for ever (uvicorn 451).
SHUTDOWN_S = 3
CONNECTIONS_MAX = 1_500
STATIC = Path(__file__).parent / "static"


def main(argv: list[str] | None = None) -> int:
    """Serve the API, or carry out one of its commands; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m api", description="HTTP out.")
    parser.add_argument("--print-config", action="store_true", help="show the settings and end")
    parser.add_argument(
        "--wait-s", type=float, default=60.0, metavar="S",
        help="how long a command waits for the records' database (60); the server never gives up",
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="answer HTTP until stopped (the default)")
    commands.add_parser("openapi", help="print the OpenAPI document")
    commands.add_parser("migrate", help="bring the records' database up to date; repeat at will")
    commands.add_parser("publish", help="publish past days' figures that changed, for cron")
    token = commands.add_parser("token", help="bearer tokens of programs")
    token.add_argument("action", choices=["create", "list", "revoke"])
    token.add_argument("--name", default="")
    roles = [role.value for role in Role if role not in (Role.PUBLIC, Role.RESIDENT)]
    token.add_argument("--role", choices=roles, default=Role.CREW.value)
    token.add_argument("--community", help="the one that a token of that role is bound to")
    people_commands.add_commands(commands)
    points_commands.add_commands(commands)
    args = parser.parse_args(argv)
    log_to_stderr()
    try:
        settings = ApiSettings.read(os.environ)
        if args.print_config:
            print(settings.shown())
            return 0
        if args.command == "migrate":
            return _migrate(settings)
        if args.command == "token":
            return _token(settings, args)
        if args.command == "user":
            database = _records(settings, args.wait_s)
            print(people_commands.run(args, database, load(settings.site), _now_us()))
            return 0
        if args.command in points_commands.COMMANDS:
            registry = load(settings.site)
            tariffs = _tariffs(settings, registry)
            database = _records(settings, args.wait_s)
            print(points_commands.run(args, database, registry, tariffs, _now_us()))
            return 0
        if args.command == "publish":
            print(f"{publish(_parts(settings, args.wait_s))} figures published")
            return 0
        if args.command == "openapi":
            app = create_app(_parts(settings, args.wait_s))
            print(json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True))
            return 0
        host, port = listening("SMARTBIN_API_HTTP", settings.api_http, "127.0.0.1:8000")
        certificate, key = _tls(settings.api_tls_cert_file, settings.api_tls_key_file)
        app = create_app(_parts(settings, math.inf))
    except (BadInput, StoreUnavailable, UnknownPlace) as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read along (head) has enough; the rest goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    _warm(app)
    uvicorn.run(
        app,
        host=host,
        port=port,
        timeout_graceful_shutdown=SHUTDOWN_S,
        limit_concurrency=CONNECTIONS_MAX,
        access_log=False,
        log_config=None,  # its lines are written as ours are
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    return 0


def _warm(app: FastAPI) -> None:
    """What the first caller would wait for, and every so often one of the others."""
    app.openapi()  # half a second; every question's parameters are looked up in it
    gc.collect()
    gc.freeze()  # what stays for good is not walked through again: 80 ms each time


def _parts(settings: ApiSettings, wait_s: float) -> Parts:
    registry = load(settings.site)
    token = settings.telemetry_token.get_secret_value() or None
    database = _records(settings, wait_s)
    return Parts(
        registry,
        open_reader(settings.telemetry_url, registry.site.zone, token),
        database,
        settings.quarantine,
        _now_us,
        STATIC,
        limits.load(settings.site),
        _tariffs(settings, registry),
        settings.settle_every_s,
    )


def _tariffs(settings: ApiSettings, registry: Registry) -> Tariffs:
    return load_tariffs(settings.tariff or settings.site / "tariff.toml", registry.communities)


def _migrate(settings: ApiSettings) -> int:
    before, after = _open(settings).migrate()
    print(f"records: {before or 'empty'} -> {after}" if before != after else f"records: at {after}")
    return 0


def _records(settings: ApiSettings, wait_s: float) -> Database:
    database = _open(settings)
    wait_for(database.prepare, wait_s)
    return database


def _open(settings: ApiSettings) -> Database:
    return Database.open(settings.records_url, settings.records_password.get_secret_value())


def _now_us() -> int:
    return calendar.to_us(datetime.now(UTC))


def _token(settings: ApiSettings, args: argparse.Namespace) -> int:
    tokens = Tokens(_records(settings, args.wait_s))
    if args.action == "list":
        for known in tokens.names():
            print(f"{known.name}  {known.role}  {known.community or ''}".rstrip())
        return 0
    if not args.name:
        raise BadInput("--name: say whose token it is, for example --name truck-3")
    if args.action == "revoke":
        tokens.revoke(args.name)
        return 0
    if args.community is not None:
        load(settings.site).community(args.community)
    print(tokens.create(args.name, Role(args.role), args.community))
    print("shown this once; keep it safe · 仅显示一次，请妥善保存", file=sys.stderr)
    return 0


def _tls(certificate: Path | None, key: Path | None) -> tuple[Path | None, Path | None]:
    """Both files of HTTPS, tried here so that a mistake is a sentence; or neither."""
    if certificate is None and key is None:
        return None, None
    if certificate is None or key is None:
        missing = "CERT" if certificate is None else "KEY"
        raise BadInput(f"SMARTBIN_API_TLS_{missing}_FILE: is not set; HTTPS needs both files")
    for name, path in (("CERT", certificate), ("KEY", key)):
        if not os.access(path, os.R_OK):
            raise BadInput(f"SMARTBIN_API_TLS_{name}_FILE: cannot read {path}; name a PEM file")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise BadInput(
            f"SMARTBIN_API_TLS_CERT_FILE: {certificate} and {key} are no certificate (PEM) and "
            f"its key ({error}); name both as the authority gave them"
        ) from None
    return certificate, key


if __name__ == "__main__":
    sys.exit(main())
