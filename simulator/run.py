"""Backfill and live: deliveries to the broker, at full speed or at the clock's."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from simulator.broker import BrokerConnection
from simulator.faults import FaultyDelivery, Profile, deliveries, messages_of, of_device
from simulator.fleet import Fleet
from simulator.publisher import Publisher
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts import wire
from smartbin.facts.events import DeviceState, Status, at_us

Seen = Callable[[FaultyDelivery], None]


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; yields how to advance it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)


def backfill(
    fleet: Fleet,
    publisher: Publisher,
    start_us: int,
    end_us: int,
    profile: Profile = Profile.NONE,
    seen: Seen = lambda _: None,
    pace: Callable[[], None] = lambda: None,
) -> int:
    """Publish the past as the devices' buffers would: ``batch`` messages, device by device and day
    by day. ``pace`` is called after each and may wait. Answers how many events were published;
    all are acknowledged when it returns.
    """
    zone = fleet.registry.site.zone
    site = fleet.registry.site.id
    days = Days(calendar.day_of(start_us, zone), calendar.day_of(end_us - 1, zone))
    devices = list(fleet.registry.devices)
    events = 0
    with progress(f"历史 history, {len(days)} d", len(days) * len(devices)) as advance:
        for day in days:
            for device in devices:
                found = of_device(fleet, device, day, profile, start_us, end_us)
                found.sort(key=lambda d: d.due_us)
                for delivery in found:
                    seen(delivery)
                    events += max(1, len(delivery.events))
                for topic, payload in _buffered(site, device, found):
                    publisher.publish(topic, payload)
                advance(1)
                pace()
        publisher.drain()
    return events


def _buffered(site: str, device: str, found: list[FaultyDelivery]) -> Iterator[tuple[str, bytes]]:
    pending: list[tuple[str, dict[str, object]]] = []
    topic = wire.topic_of(site, device, "batch")
    for delivery in found:
        if delivery.raw:
            kind, payload = delivery.raw
            yield wire.topic_of(site, device, kind), payload
        for event in delivery.events:
            pending.append(event)
            if len(pending) == wire.MAX_BATCH:
                yield topic, wire.batch_of(pending)
                pending.clear()
    if pending:
        yield topic, wire.batch_of(pending)


def live(
    fleet: Fleet,
    publisher: Publisher,
    start_us: int,
    speed: float,
    profile: Profile,
    now_us: Callable[[], int],
    wait: Callable[[float], bool],
    until_us: int | None = None,
    seen: Seen = lambda _: None,
    silent: Container[str] = (),
) -> int:
    """Publish each delivery when its time comes, from ``start_us`` on at ``speed`` until it has
    caught up with ``now_us()``, then at the clock's pace; forever, or what happens before
    ``until_us``, and then also what is still delayed. ``silent`` devices say nothing.

    ``wait(seconds)`` answers True when it is time to stop. Answers the simulated time reached; a
    run that was stopped may lack what devices still held back: repeat its last hours.
    """
    zone = fleet.registry.site.zone
    site = fleet.registry.site.id
    began_us = now_us()
    # An outage ends and a delay passes after the messages' own time, so days overlap here.
    held: list[tuple[int, int, FaultyDelivery]] = []
    made_us = reached_us = start_us
    order = 0
    while until_us is None or reached_us < until_us:
        now = now_us()
        reached_us = min(now, start_us + int((now - began_us) * speed), until_us or now)
        while made_us <= reached_us and made_us != until_us:
            day_end_us = calendar.bounds_us(_day_at(made_us, zone), zone)[1]
            end_us = min(day_end_us, until_us or day_end_us)
            for delivery in deliveries(fleet, made_us, end_us, profile):
                if delivery.device in silent:
                    continue
                seen(delivery)
                order += 1
                heapq.heappush(held, (delivery.due_us, order, delivery))
            made_us = end_us
        while held and held[0][0] <= reached_us:
            _send(publisher, site, heapq.heappop(held)[2])
        if wait(0.2):
            return reached_us
    while held:
        _send(publisher, site, heapq.heappop(held)[2])
    publisher.drain()
    return reached_us


def births(
    fleet: Fleet, now_us: Callable[[], int], seen: Seen = lambda _: None
) -> Callable[[str], bytes]:
    """What a device states when it has connected: that it is online, now. Its counter repeats the
    newest one of today, because the day's other messages have theirs already.
    """
    zone = fleet.registry.site.zone
    today, now = calendar.day_of(now_us(), zone), now_us()
    seqs = {}
    for device in fleet.registry.devices:
        said = [m for m in fleet.day(device, today) if m.at_us <= now]
        newest = max(said, key=attrgetter("at_us"), default=None)
        seqs[device] = (newest and newest.facts[0].seq) or 0

    def birth(device: str) -> bytes:
        seq = seqs[device]
        fact = Status(device, at_us(now_us() // 1000, seq), DeviceState.ONLINE, seq=seq)
        event = wire.event_of((fact,), zone)
        seen(FaultyDelivery(fact.at_us, device, ((fact.kind, event),), (fact,)))
        return wire.payload_of(event)

    return birth


def _day_at(at_us: int, zone: ZoneInfo) -> Days:
    day = calendar.day_of(at_us, zone)
    return Days(day, day)


def _send(publisher: Publisher, site: str, delivery: FaultyDelivery) -> None:
    for topic, payload, retain in messages_of(delivery, site):
        publisher.publish(topic, payload, retain=retain)


def devices(
    broker: BrokerConnection, fleet: Fleet, now_us: Callable[[], int], seen: Seen = lambda _: None
) -> Publisher:
    """Connections of devices that live: one each, with birth and last will."""
    site = fleet.registry.site.id
    birth = births(fleet, now_us, seen)
    return Publisher(broker, broker.logins(fleet.registry.devices), site=site, birth=birth)


def buffered(broker: BrokerConnection, devices: Iterable[str]) -> Publisher:
    """For what devices buffered: their own connections where the broker asks each for its
    credential, else one for all, which is faster.
    """
    if broker.credentials:
        return Publisher(broker, broker.logins(devices))
    return Publisher(broker, [broker.login("smartbin-simulator")])


def days_before(fleet: Fleet, end_us: int, days: int) -> int:
    """The start of the site's calendar day that lies ``days`` before the one of ``end_us``."""
    zone = fleet.registry.site.zone
    return calendar.start_us(calendar.day_of(end_us, zone) - timedelta(days=days), zone)
