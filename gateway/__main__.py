"""``python -m gateway``: read the settings once, build the parts, pump until told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import sys
import threading
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.mqtt import Address, Session, SessionTaken
from gateway.pipeline import Parts, Stopping, pump
from gateway.settings import GatewaySettings
from gateway.shelf import quarantine_command
from gateway.watch import Watch, serve
from smartbin import calendar
from smartbin.errors import BadInput, StoreRefused, StoreUnavailable
from smartbin.quarantine import Quarantine
from smartbin.records import open_engine
from smartbin.records.deposits import DepositLines
from smartbin.registry.load import load
from smartbin.telemetry import TelemetryWriter, open_writer
from smartbin.wire import ROOT, Decoder

BATCH_MAX = 5000
WAIT_S = 1.0
EXIT_BAD_INPUT, EXIT_SESSION_TAKEN = 2, 3
log = logging.getLogger("gateway")


def main(argv: list[str] | None = None) -> int:
    """Run the gateway, or one of its commands; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="MQTT in.")
    parser.add_argument("--print-config", action="store_true", help="show the settings and end")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="pull messages until stopped (the default)")
    shelf = commands.add_parser("quarantine", help="look at refused messages, or replay them")
    shelf.add_argument("action", choices=["list", "show", "replay"])
    shelf.add_argument("id", nargs="?", default="", help="one message; all when left out")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = GatewaySettings.read(os.environ)
        if args.print_config:
            print(settings.shown())
            return 0
        if args.command == "quarantine":
            return quarantine_command(settings, args.action, args.id)
        return run(settings)
    except BadInput as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except (StoreUnavailable, StoreRefused) as error:
        print(error, file=sys.stderr)
        return 1


def run(settings: GatewaySettings) -> int:
    """Pump until SIGTERM or SIGINT; the batch in hand is finished first."""
    registry = load(settings.site)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watch = Watch(_now_us)
    host, port = http_address("SMARTBIN_GATEWAY_HTTP", settings.gateway_http)
    server = serve(watch, host, port)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    session = Session(
        Address.parse(
            settings.mqtt_url,
            settings.mqtt_client_id,
            settings.mqtt_password.get_secret_value(),
            settings.mqtt_ca_file,
        ),
        filters(registry.site.id, settings.mqtt_share),
        stop.is_set,
    )
    engine = open_engine(settings.records_url, settings.records_password.get_secret_value())
    telemetry = _open_telemetry(settings, registry.site.zone, watch, stop)
    if telemetry is None:
        return 0
    parts = Parts(
        session,
        Decoder(registry),
        telemetry,
        DepositLines(engine, registry.site.zone),
        Quarantine(settings.quarantine),
        watch,
        random.Random(),  # noqa: S311 - jitter, no secret
    )
    log.info("gateway of %s: %s", registry.site.id, settings.mqtt_url.rpartition("@")[2])
    try:
        while not stop.is_set():
            pump(parts, BATCH_MAX, WAIT_S)
            if not session.alive:
                watch.disconnected()
    except Stopping:
        log.info("stopped while a store was away; the broker keeps what was not acknowledged")
    except SessionTaken as error:
        log.error("%s", error)
        return EXIT_SESSION_TAKEN
    finally:
        session.close()
        telemetry.close()
        engine.dispose()
        server.shutdown()
        server.server_close()
    return 0


def filters(site: str, share: str) -> list[str]:
    """What the gateway subscribes to: everything the site's devices say."""
    everything = f"{ROOT}/{site}/+/+"
    if any(c in share for c in "/+#"):
        raise BadInput("SMARTBIN_MQTT_SHARE: a group's name has no '/', '+' or '#'")
    return [f"$share/{share}/{everything}" if share else everything]


def http_address(name: str, value: str) -> tuple[str, int]:
    """``host:port`` of a setting; BadInput names it."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise BadInput(f"{name}: {value!r} is no host:port; write 127.0.0.1:8001")
    return host, int(port)


def _open_telemetry(
    settings: GatewaySettings, zone: ZoneInfo, watch: Watch, stop: threading.Event
) -> TelemetryWriter | None:
    """The store, waited for: services start in any order. None when told to stop meanwhile."""
    token = settings.telemetry_token.get_secret_value() or None
    while not stop.is_set():
        try:
            return open_writer(settings.telemetry_url, zone, token)
        except StoreUnavailable as error:
            watch.retrying(str(error))
            log.warning("%s; trying again", error)
            stop.wait(2.0)
    return None


def _now_us() -> int:
    return calendar.to_us(datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(main())
