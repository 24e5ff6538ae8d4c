"""What goes wrong between a device and the broker: a pure function of seed, profile and messages.

A delivery knows which facts a correct system keeps of it and how many of its messages it must
refuse, so that what is expected follows from what was sent, never from what was stored.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from operator import attrgetter
from typing import Any

from simulator.fleet import Fleet
from simulator.message_builder import Message
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts import wire
from smartbin.facts.events import Fact, LevelReading

MINUTE_US = 60 * calendar.US_PER_S


class Profile(StrEnum):
    """How bad it is."""

    NONE = "none"
    MILD = "mild"
    HARSH = "harsh"


@dataclass(frozen=True, slots=True)
class _Rates:
    """Chances: of a message to be repeated, delayed, poisoned or stamped by a clock that was
    never set; of a device's day to have an outage or a sick sensor.
    """

    repeated: float
    delayed: float
    poison: float
    bad_clock: float
    outage: float
    sick_sensor: float


_RATES = {
    Profile.NONE: _Rates(0, 0, 0, 0, 0, 0),
    Profile.MILD: _Rates(0.01, 0.02, 0.002, 0.001, 0.05, 0.03),
    Profile.HARSH: _Rates(0.06, 0.10, 0.010, 0.005, 0.35, 0.15),
}


@dataclass(frozen=True, slots=True)
class FaultyDelivery:
    """Something published: one event, or a batch of those that waited.

    ``due_us`` is when it is handed to the broker, ``kept`` what a correct system keeps of it (a
    repetition keeps nothing more), ``refused`` how many messages it must refuse, each of a content
    of its own. ``raw`` replaces the events where the payload is not an event at all.
    """

    due_us: int
    device: str
    events: tuple[tuple[str, dict[str, Any]], ...]
    kept: tuple[Fact, ...]
    refused: int = 0
    raw: tuple[str, bytes] | None = None


def deliveries(
    fleet: Fleet, start_us: int, end_us: int, profile: Profile = Profile.NONE
) -> Iterator[FaultyDelivery]:
    """What reaches the broker of the messages of ``[start_us, end_us)``, day by day, each day in
    the order of delivery.
    """
    if end_us <= start_us:
        return
    zone = fleet.registry.site.zone
    window = Days(calendar.day_of(start_us, zone), calendar.day_of(end_us - 1, zone))
    for day in window:
        found: list[FaultyDelivery] = []
        for device in fleet.registry.devices:
            found.extend(of_device(fleet, device, day, profile, start_us, end_us))
        found.sort(key=attrgetter("due_us"))
        yield from found


def of_device(
    fleet: Fleet, device: str, day: date, profile: Profile, start_us: int, end_us: int
) -> list[FaultyDelivery]:
    """One device's deliveries of one day, cut to the messages of the window. A message's fate
    does not depend on the window.
    """
    zone = fleet.registry.site.zone
    messages = fleet.day(device, day)
    if profile is Profile.NONE:
        return [
            FaultyDelivery(
                m.at_us, device, ((wire.kind_of(m.facts), wire.event_of(m.facts, zone)),), m.facts
            )
            for m in messages
            if start_us <= m.at_us < end_us
        ]
    return _Weather(fleet, device, day, _RATES[profile]).of(messages, start_us, end_us)


class _Weather:
    """One device's bad luck on one day."""

    def __init__(self, fleet: Fleet, device: str, day: date, rates: _Rates) -> None:
        self._device, self._rates = device, rates
        self._zone = fleet.registry.site.zone
        self._rng = rng = random.Random(f"{fleet.seed}/faults/{device}/{day}")
        start_us = calendar.start_us(day, self._zone)
        self._outage = (0, 0)
        if rng.random() < rates.outage:
            begun_us = start_us + rng.randrange(0, 20 * 60) * MINUTE_US
            self._outage = (begun_us, begun_us + rng.randrange(30, 240) * MINUTE_US)
        doors = [d.id for d in fleet.registry.doors_of_device(device)]
        self._sick_door = rng.choice(doors) if rng.random() < rates.sick_sensor else ""
        self._sickness = rng.choice(("stuck", "spiking", "failed"))
        self._stuck_pct = rng.randrange(5, 60)

    def of(self, messages: Sequence[Message], start_us: int, end_us: int) -> list[FaultyDelivery]:
        found: list[FaultyDelivery] = []
        waiting: list[FaultyDelivery] = []
        for message in messages:
            sent = self._fate(message)
            if not start_us <= message.at_us < end_us:
                continue
            if self._outage[0] <= message.at_us < self._outage[1]:
                waiting.append(sent[0])
            else:
                found.extend(sent)
        found.extend(
            self._batched(waiting[n : n + wire.MAX_BATCH])
            for n in range(0, len(waiting), wire.MAX_BATCH)
        )
        return found

    def _batched(self, waiting: Sequence[FaultyDelivery]) -> FaultyDelivery:
        return FaultyDelivery(
            self._outage[1],
            self._device,
            tuple(event for d in waiting for event in d.events),
            tuple(fact for d in waiting for fact in d.kept),
            sum(d.refused for d in waiting),
        )

    def _fate(self, message: Message) -> list[FaultyDelivery]:
        """The message's delivery, and what comes with it: a repetition, a poison."""
        rng, rates = self._rng, self._rates
        # Every chance is drawn for every message, so that one fate does not shift the next.
        repeated, delayed, poison, bad_clock = (rng.random() for _ in range(4))
        delay_us, spike = rng.randrange(1, 10 * MINUTE_US), rng.random()
        said, kept = self._felt(message.facts, spike)
        kind = wire.kind_of(message.facts)
        event = wire.event_of(said, self._zone)
        due_us = message.at_us + (delay_us if delayed < rates.delayed else 0)
        if bad_clock < rates.bad_clock:
            year = "1970" if spike < 0.5 else "2099"
            event["at"] = year + event["at"][4:].replace("-02-29T", "-02-28T")
            return [FaultyDelivery(due_us, self._device, ((kind, event),), (), refused=1)]
        sent = [FaultyDelivery(due_us, self._device, ((kind, event),), kept)]
        if repeated < rates.repeated:
            sent.append(FaultyDelivery(due_us + delay_us, self._device, ((kind, event),), ()))
        if poison < rates.poison:
            sent.append(self._poison(due_us, kind, event, spike))
        return sent

    def _felt(
        self, facts: tuple[Fact, ...], spike: float
    ) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
        """What a sick sensor says, and what a correct system makes of it."""
        if not self._sick_door or not isinstance(facts[0], LevelReading):
            return facts, facts
        said, kept = [], []
        for fact in facts:
            felt = understood = fact
            if isinstance(fact, LevelReading) and fact.door == self._sick_door:
                if self._sickness == "stuck":
                    felt = understood = replace(fact, level_pct=self._stuck_pct)
                elif self._sickness == "failed":
                    felt = understood = replace(fact, level_pct=None, fault="sensor")
                elif spike < 0.1:
                    felt = replace(fact, level_pct=127)
                    understood = replace(fact, level_pct=None, fault="range")
                elif spike < 0.2:
                    felt = understood = replace(fact, level_pct=int(spike * 1000) - 100)
            said.append(felt)
            kept.append(understood)
        return tuple(said), tuple(kept)

    def _poison(self, due_us: int, kind: str, event: dict[str, Any], pick: float) -> FaultyDelivery:
        """Something that must be refused, of a content that no other message has."""
        seq = str(event["seq"])
        bad: list[tuple[str, bytes]] = [
            (kind, wire.payload_of(event)[:-1]),
            (kind, wire.payload_of({**event, "seq": seq})),
            (kind, wire.payload_of({**event, "at": event["at"][:-6]})),
            ("deposit", wire.payload_of({**event, "door": "no-such-door", "weight_g": 100})),
            ("deposit", wire.payload_of({**event, "door": "kitchen", "weight_g": -100})),
            ("telemetry", wire.payload_of(event)),
            (kind, b"\xff\xfe" + seq.encode()),
            ("batch", b'{"events":[],"seq":' + seq.encode() + b"}"),
        ]
        raw = bad[int(pick * len(bad))]
        return FaultyDelivery(due_us, self._device, (), (), refused=1, raw=raw)


def messages_of(sent: FaultyDelivery, site: str) -> Iterator[tuple[str, bytes, bool]]:
    """Topic, payload and whether it is retained: one event goes as its own kind, several as a
    batch.
    """
    if sent.raw:
        kind, payload = sent.raw
        yield wire.topic_of(site, sent.device, kind), payload, False
    elif len(sent.events) == 1:
        kind, event = sent.events[0]
        retained = kind == "status" and not sent.refused
        yield wire.topic_of(site, sent.device, kind), wire.payload_of(event), retained
    elif sent.events:
        yield wire.topic_of(site, sent.device, "batch"), wire.batch_of(sent.events), False
