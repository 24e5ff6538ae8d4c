"""``python -m gateway``: read the settings once, build the parts, pump until told to stop."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway import provision, secrets
from gateway.backoff import Backoff
from gateway.broker import SessionMemory, broker_of, filters_of
from gateway.http import Board, serve
from gateway.meters import Meters
from gateway.mqtt import Session, SessionTaken
from gateway.pipeline import Pipeline, Stopped
from gateway.settings import GatewaySettings
from gateway.shelf import ACTIONS, quarantine_command
from smartbin import calendar
from smartbin.errors import BadInput, StoreRefused, StoreUnavailable
from smartbin.quarantine import Quarantine
from smartbin.records import open_engine
from smartbin.records.deposits import DepositLines
from smartbin.registry.load import load
from smartbin.telemetry import TelemetryWriter, open_writer
from smartbin.wire import Decoder

EXIT_BAD_INPUT, EXIT_SESSION_TAKEN = 2, 3
log = logging.getLogger("gateway")


def main(argv: list[str] | None = None) -> int:
    """Run the gateway, or one of its commands; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="MQTT in.")
    parser.add_argument("--print-config", action="store_true", help="show the settings and end")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="pull messages until stopped (the default)")
    shelf = commands.add_parser("quarantine", help="look at refused messages, or replay them")
    shelf.add_argument("action", choices=ACTIONS)
    shelf.add_argument("id", nargs="?", default="", help="one message; all when left out")
    shelf.add_argument("--reason", default="", help="only messages refused for this reason")
    shelf.add_argument("--device", default="", help="only messages of this device")
    credentials = commands.add_parser("provision", help="make, rotate, revoke device credentials")
    provision.add_arguments(credentials)
    deployment = commands.add_parser("secrets", help="make every secret of a deployment")
    secrets.add_arguments(deployment)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = GatewaySettings.read(os.environ)
        if args.print_config:
            print(settings.shown())
            return 0
        if args.command == "provision":
            print(provision.provision_command(args, load(settings.site).devices))
            return 0
        if args.command == "secrets":
            print(secrets.secrets_command(args, load(settings.site).devices))
            return 0
        if args.command == "quarantine":
            return quarantine_command(settings, args.action, args.id, args.reason, args.device)
        return run(settings)
    except BadInput as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except (StoreUnavailable, StoreRefused) as error:
        print(error, file=sys.stderr)
        return 1


def run(settings: GatewaySettings) -> int:
    """Pump until SIGTERM or SIGINT; the batch in hand is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.ExitStack() as parts:
        try:
            pipeline = build(settings, stop, parts)
            while not stop.is_set():
                pipeline.pump()
        except Stopped:
            log.info("stopped while a store was away; the broker keeps what was not acknowledged")
        except SessionTaken as error:
            log.error("%s", error)
            return EXIT_SESSION_TAKEN
    return 0


def build(
    settings: GatewaySettings, stop: threading.Event, parts: contextlib.ExitStack
) -> Pipeline:
    """Everything between broker and stores, ended by ``parts``. Raises Stopped."""
    registry = load(settings.site)
    site, zone = registry.site.id, registry.site.zone
    chance = random.Random()  # noqa: S311 - jitter, no secret
    quarantine = Quarantine(settings.quarantine)
    meters = Meters(time.monotonic, _now_us, gaps=not settings.mqtt_share)
    session = Session(
        broker_of(
            settings.mqtt_url,
            settings.mqtt_client_id,
            settings.mqtt_password.get_secret_value(),
            settings.mqtt_ca_file,
        ),
        filters_of(site, settings.mqtt_share),
        SessionMemory(settings.quarantine / "session.json", settings.mqtt_client_id),
        Backoff(0.2, 30.0, chance),
    )
    server = serve(
        Board(meters, quarantine, session),
        *http_address("SMARTBIN_GATEWAY_HTTP", settings.gateway_http),
    )
    parts.callback(server.server_close)
    parts.callback(server.shutdown)
    engine = open_engine(settings.records_url, settings.records_password.get_secret_value())
    parts.callback(engine.dispose)
    telemetry = _open_telemetry(settings, zone, meters, stop)
    parts.callback(telemetry.close)
    parts.callback(session.close)
    log.info("gateway of %s at %s", site, settings.mqtt_url.rpartition("@")[2])
    return Pipeline(
        session,
        Decoder(registry),
        telemetry,
        DepositLines(engine, zone),
        quarantine,
        meters,
        Backoff(0.2, 30.0, chance),
        stop.is_set,
    )


def http_address(name: str, value: str) -> tuple[str, int]:
    """``host:port`` of a setting; BadInput names it."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise BadInput(f"{name}: {value!r} is no host:port; write 127.0.0.1:8001")
    return host, int(port)


def _open_telemetry(
    settings: GatewaySettings, zone: ZoneInfo, meters: Meters, stop: threading.Event
) -> TelemetryWriter:
    """The store, waited for: services start in any order."""
    token = settings.telemetry_token.get_secret_value() or None
    while not stop.is_set():
        try:
            return open_writer(settings.telemetry_url, zone, token)
        except StoreUnavailable as error:
            meters.blocked("telemetry", str(error))
            log.warning("%s; trying again", error)
            stop.wait(2.0)
    raise Stopped


def _now_us() -> int:
    return calendar.to_us(datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(main())
