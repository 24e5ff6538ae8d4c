"""``smartbin quarantine``: look at what was refused, replay it after a mend, drop it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice

from smartbin.core import calendar
from smartbin.core.calendar import US_PER_HOUR
from smartbin.core.errors import BadInput, SecondTelling, StoreRefused
from smartbin.core.printable import printable
from smartbin.core.settings import StoreSettings
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Fact
from smartbin.facts.wire import Decoder
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.quarantine.store import Quarantine, QuarantinedMessage
from smartbin.telemetry import TelemetryWriter, open_writer

ACTIONS = ("list", "show", "replay", "drop")
LIST_MAX = 1000
CHUNK = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("id", nargs="?", default="", help="one message; all when left out")
    parser.add_argument("--reason", default="", help="only messages refused for this reason")
    parser.add_argument("--device", default="", help="only messages of this device")
    parser.add_argument(
        "--as-of", default="", help="replay: if our clock was wrong, when they came"
    )


def quarantine_command(
    settings: StoreSettings,
    action: str,
    id: str,
    reason: str = "",
    device: str = "",
    as_of: str = "",
) -> int:
    """Carry out one of ACTIONS on the messages chosen; answers the exit status. ``as_of`` is the
    time to replay them as of, where the gateway's clock was wrong when they came.
    """
    registry = load(settings.site)
    as_of_us = _as_of_us(as_of, action)
    shelf = Quarantine(settings.quarantine)
    chosen = _chosen(shelf, id, reason, device)
    if id and next(chosen, None) is None:
        raise BadInput(f"quarantine has no message {id!r}; 'quarantine list' shows their ids")
    chosen = _chosen(shelf, id, reason, device)
    if action == "list":
        _list(chosen, registry)
    elif action == "show":
        for kept in islice(chosen, LIST_MAX):
            _show(kept, registry)
    elif action == "replay":
        _replay(settings, shelf, chosen, registry, as_of_us)
    else:
        if not (id or reason or device):
            raise BadInput("quarantine drop: name an id, or --reason, or --device")
        ids = {kept.id for kept in chosen}
        shelf.remove(ids)
        print(f"已删除 {len(ids)} 条 · {len(ids)} dropped")
    return 0


def _chosen(shelf: Quarantine, id: str, reason: str, device: str) -> Iterator[QuarantinedMessage]:
    return (
        kept
        for kept in shelf
        if (not id or kept.id == id)
        and (not reason or kept.rejected.reason == reason)
        and (not device or kept.device == device)
    )


def _list(chosen: Iterable[QuarantinedMessage], registry: Registry) -> None:
    reasons: Counter[str] = Counter()
    for kept in chosen:
        r = kept.rejected
        reasons[r.reason] += 1
        if reasons.total() <= LIST_MAX:
            print(
                f"{kept.id}  {_when(kept, registry)}  {r.reason:<16} {printable(r.field):<16} "
                f"{printable(r.topic)}"
            )
    if reasons.total() > LIST_MAX:
        print(f"... 另有 {reasons.total() - LIST_MAX} 条 · more")
    for reason, count in sorted(reasons.items()):
        print(f"{count:>8}  {reason}")
    print(f"{reasons.total():>8}  条在隔离区 · in quarantine")


def _show(kept: QuarantinedMessage, registry: Registry) -> None:
    r = kept.rejected
    payload = r.payload.decode("utf-8", "backslashreplace")
    print(f"{kept.id}  {_when(kept, registry)}\n  topic   {printable(r.topic)}")
    print(f"  reason  {r.reason}: {printable(f'{r.field} {r.detail}')}")
    print(f"  payload {printable(payload)}")


def _when(kept: QuarantinedMessage, registry: Registry) -> str:
    at = calendar.from_us(kept.rejected.received_at_us, registry.site.zone)
    return at.isoformat(timespec="seconds")


def _as_of_us(as_of: str, action: str) -> int | None:
    if not as_of:
        return None
    if action != "replay":
        raise BadInput(f"--as-of: says when 'replay' looks from; leave it out of {action!r}")
    try:
        return calendar.to_us(datetime.fromisoformat(as_of))
    except ValueError:
        raise BadInput(
            f"--as-of: {as_of!r} is not a time with an offset; write 2026-11-26T18:30:00+08:00"
        ) from None


def _replay(
    settings: StoreSettings,
    shelf: Quarantine,
    chosen: Iterator[QuarantinedMessage],
    registry: Registry,
    as_of_us: int | None,
) -> None:
    """Decode again as of the time received, keep what is good now, and forget just that."""
    decoder, zone = Decoder(registry), registry.site.zone
    token = settings.telemetry_token.get_secret_value() or None
    telemetry = open_writer(settings.telemetry_url, zone, token)
    database = Database.open(settings.records_url, settings.records_password.get_secret_value())
    done: set[str] = set()
    seen = 0
    try:
        lines = DepositLines(database, zone)
        while chunk := list(islice(chosen, CHUNK)):
            seen += len(chunk)
            for hour, some in groupby(chunk, _hour_received):
                good = {m.id: facts for m in some if (facts := _facts(decoder, m, as_of_us))}
                arrived_us = (hour + 1) * US_PER_HOUR  # not now: replaying makes nothing late
                done |= _keep(telemetry, lines, good, arrived_us)
    finally:
        telemetry.close()
        database.close()
    shelf.remove(done)
    print(f"已重放 {len(done)} 条, 仍留 {seen - len(done)} 条 · {len(done)} replayed, ", end="")
    print(f"{seen - len(done)} stay")


def _facts(decoder: Decoder, kept: QuarantinedMessage, as_of_us: int | None) -> list[Fact]:
    # Not as of now: what a device's wrong clock dated ahead would pass once that day has come.
    r = kept.rejected
    received_at_us = r.received_at_us if as_of_us is None else as_of_us
    decoded = decoder.decode(r.topic, r.payload, received_at_us)
    return [] if decoded.rejected else decoded.facts


def _hour_received(kept: QuarantinedMessage) -> int:
    return kept.rejected.received_at_us // US_PER_HOUR


def _keep(
    telemetry: TelemetryWriter, lines: DepositLines, good: dict[str, list[Fact]], arrived_us: int
) -> set[str]:
    """Keep the facts of several messages; answers the ids of the messages that the stores took."""
    facts = [fact for mine in good.values() for fact in mine]
    try:
        others = _told_otherwise(telemetry.append, facts)
        kept = [fact for fact in facts if fact not in others]
        others |= _told_otherwise(lambda some: lines.append(some, arrived_us), kept)
    except StoreRefused:
        if len(good) == 1:
            return set()
        return {id for one in good for id in _keep(telemetry, lines, {one: good[one]}, arrived_us)}
    return {id for id, mine in good.items() if others.isdisjoint(mine)}


def _told_otherwise(append: Callable[[Sequence[Fact]], None], facts: Sequence[Fact]) -> set[object]:
    """Keep the facts; answers those that are kept with other content."""
    try:
        append(facts)
    except SecondTelling as others:
        return set(others.facts)
    return set()
