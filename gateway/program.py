"""The gateway: build the parts between broker and stores, pump until told to stop."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway import drain
from gateway import partitioning as share
from gateway.backoff import Backoff
from gateway.broker import SessionMemory, broker_of
from gateway.gate import Gate
from gateway.http import Board, serve
from gateway.meters import Meters
from gateway.mqtt import BrokerSession, SessionTaken
from gateway.pipeline import Pipeline, Stopped
from gateway.settings import GatewaySettings
from gateway.telemetry import Telemetry
from smartbin.core import calendar
from smartbin.core.errors import BadInput
from smartbin.core.settings import listening
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.wire import Decoder
from smartbin.places.load import load
from smartbin.quarantine.store import Quarantine
from smartbin.telemetry import open_writer

EXIT_SESSION_TAKEN = 3
log = logging.getLogger("gateway")


def run(settings: GatewaySettings) -> int:
    """Pump until SIGTERM or SIGINT; the batch in hand is finished first."""
    stop = _stop_on_signals()
    with contextlib.ExitStack() as parts:
        try:
            client_id = share.take_client_id(settings.mqtt_client_id, settings.quarantine, parts)
            gateway = build(settings, client_id, stop, parts)
            while not stop.is_set():
                gateway.pipeline.pump()
        except Stopped:
            log.info("stopped while a store was away; the broker keeps what was not acknowledged")
        except SessionTaken as error:
            log.error("%s", error)
            return EXIT_SESSION_TAKEN
    return 0


def run_drain(settings: GatewaySettings, client_id: str) -> int:
    """Take the gateway of this client id away for good."""
    if share.SLOT in client_id:
        raise BadInput(
            f"drain: say which gateway, for example {client_id.replace(share.SLOT, '2')}"
        )
    stop = _stop_on_signals()
    with contextlib.ExitStack() as parts:
        try:
            gateway = build(settings, client_id, stop, parts, draining=True)
            count = drain.drain(gateway.pipeline, gateway.session, stop.is_set)
            gateway.session.close()
            last = parts.enter_context(
                contextlib.closing(_session(settings, client_id, [], kept=False))
            )
            if count is not None and drain.end(last, stop.is_set):
                _memory(settings, client_id).settled([])
                done = f"{client_id}: {count} messages kept, nothing is left behind · 已清空"
                sys.stdout.write(f"{done}\n")
                return 0
        except Stopped:
            pass
        except SessionTaken as error:
            log.error("%s", error)
            return EXIT_SESSION_TAKEN
    sys.stderr.write(f"{client_id}: not drained to the end; run it again\n")
    return 1


class Gateway(NamedTuple):
    """What ``build`` put together."""

    pipeline: Pipeline
    session: BrokerSession


def build(
    settings: GatewaySettings,
    client_id: str,
    stop: threading.Event,
    parts: contextlib.ExitStack,
    *,
    draining: bool = False,
) -> Gateway:
    """Everything between broker and stores, ended by ``parts``; ``draining`` subscribes to
    nothing and shows nothing over HTTP. Raises Stopped.
    """
    registry = load(settings.site)
    site, zone = registry.site.id, registry.site.zone
    _make_folder(settings.quarantine)
    quarantine = Quarantine(settings.quarantine, registry.devices)
    meters = Meters(time.monotonic, _now_us, gaps=not settings.mqtt_share)
    filters = share.filters_of(site, settings.mqtt_share, settings.mqtt_part, registry.devices)
    if draining:
        # What the session may hold is what must be unsubscribed.
        _memory(settings, client_id).opens(filters)
        filters = []
    session = _session(settings, client_id, filters)
    if not draining:
        server = serve(
            Board(meters, quarantine, session),
            *listening("SMARTBIN_GATEWAY_HTTP", settings.gateway_http, "127.0.0.1:8001"),
        )
        parts.callback(server.server_close)
        parts.callback(server.shutdown)
    database = Database.open(settings.records_url, settings.records_password.get_secret_value())
    parts.callback(database.close)
    telemetry = _open_telemetry(settings, zone, meters, stop)
    parts.callback(telemetry.close)
    parts.callback(session.close)
    log.info("gateway of %s at %s", site, settings.mqtt_url.rpartition("@")[2])
    pipeline = Pipeline(
        session,
        Decoder(registry),
        telemetry,
        DepositLines(database, zone),
        quarantine,
        meters,
        _backoff(),
        stop.is_set,
        Gate(site, registry.devices),
    )
    return Gateway(pipeline, session)


def _make_folder(quarantine: Path) -> None:
    try:
        quarantine.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"SMARTBIN_QUARANTINE: cannot make {quarantine} ({error.strerror}); name a folder"
        ) from None


def _session(
    settings: GatewaySettings, client_id: str, filters: Sequence[str], *, kept: bool = True
) -> BrokerSession:
    broker = broker_of(
        settings.mqtt_url,
        client_id,
        settings.mqtt_password.get_secret_value(),
        settings.mqtt_ca_file,
    )
    return BrokerSession(broker, filters, _memory(settings, client_id), _backoff(), kept=kept)


def _memory(settings: GatewaySettings, client_id: str) -> SessionMemory:
    return SessionMemory(settings.quarantine / "session.json", client_id)


def _backoff() -> Backoff:
    return Backoff(0.2, 30.0, random.Random())  # noqa: S311 - jitter, no secret


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _open_telemetry(
    settings: GatewaySettings, zone: ZoneInfo, meters: Meters, stop: threading.Event
) -> Telemetry:
    return Telemetry.waited_for(
        lambda token: open_writer(settings.telemetry_url, zone, token),
        lambda: GatewaySettings.read(os.environ).telemetry_token.get_secret_value() or None,
        meters,
        stop,
    )


def _now_us() -> int:
    return calendar.to_us(datetime.now(UTC))
