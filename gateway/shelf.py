"""``python -m gateway quarantine``: look at what was refused, and replay it after a mend."""

from __future__ import annotations

import sys

from gateway.settings import GatewaySettings
from smartbin import calendar
from smartbin.errors import BadInput
from smartbin.events import Deposit
from smartbin.quarantine import Kept, Quarantine
from smartbin.records import open_engine
from smartbin.records.deposits import DepositLines
from smartbin.registry import Registry
from smartbin.registry.load import load
from smartbin.telemetry import open_writer
from smartbin.wire import Decoder

LIST_MAX = 1000


def quarantine_command(settings: GatewaySettings, action: str, id: str) -> int:
    """Carry out ``list``, ``show`` or ``replay``; answers the exit status."""
    shelf = Quarantine(settings.quarantine)
    chosen = [kept for kept in shelf if not id or kept.id == id]
    if id and not chosen:
        raise BadInput(f"quarantine has no message {id!r}; 'quarantine list' shows their ids")
    registry = load(settings.site)
    if action == "list":
        _list(shelf, chosen, registry)
    elif action == "show":
        for kept in chosen[:LIST_MAX]:
            _show(kept, registry)
    else:
        _replay(settings, shelf, chosen, registry)
    return 0


def _list(shelf: Quarantine, chosen: list[Kept], registry: Registry) -> None:
    for kept in chosen[:LIST_MAX]:
        r = kept.rejected
        print(f"{kept.id}  {_when(kept, registry)}  {r.reason:<16} {r.field:<16} {r.topic}")
    if len(chosen) > LIST_MAX:
        print(f"... and {len(chosen) - LIST_MAX} more")
    by_reason: dict[str, int] = {}
    for (_, reason), count in shelf.counts().items():
        by_reason[reason] = by_reason.get(reason, 0) + count
    for reason, count in sorted(by_reason.items()):
        print(f"{count:>8}  {reason}")
    print(f"{len(chosen):>8}  in quarantine · 条待处理")


def _show(kept: Kept, registry: Registry) -> None:
    r = kept.rejected
    print(f"{kept.id}  {_when(kept, registry)}\n  topic   {r.topic}")
    print(f"  reason  {r.reason}: {r.field} {r.detail}")
    print(f"  payload {r.payload.decode('utf-8', 'backslashreplace')}")


def _when(kept: Kept, registry: Registry) -> str:
    at = calendar.from_us(kept.rejected.received_at_us, registry.site.zone)
    return at.isoformat(timespec="seconds")


def _replay(
    settings: GatewaySettings, shelf: Quarantine, chosen: list[Kept], registry: Registry
) -> None:
    """Decode again as of the time received, keep what is good now, and forget just that."""
    decoder, zone = Decoder(registry), registry.site.zone
    done: set[str] = set()
    facts = []
    for kept in chosen:
        r = kept.rejected
        decoded = decoder.decode(r.topic, r.payload, r.received_at_us)
        if not decoded.rejected:
            facts.extend(decoded.facts)
            done.add(kept.id)
    telemetry = open_writer(
        settings.telemetry_url, zone, settings.telemetry_token.get_secret_value() or None
    )
    engine = open_engine(settings.records_url, settings.records_password.get_secret_value())
    try:
        telemetry.append(facts)
        lines = [fact for fact in facts if isinstance(fact, Deposit)]
        DepositLines(engine, zone).append(lines)
    finally:
        telemetry.close()
        engine.dispose()
    shelf.remove(done)
    print(f"{len(done)} replayed, {len(chosen) - len(done)} stay", file=sys.stderr)
