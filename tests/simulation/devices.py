"""What the devices of a seed say: facts, their messages in every form and order, and poison."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from smartbin.core import calendar
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Category,
    Collection,
    Deposit,
    DeviceState,
    Fact,
    Item,
    Judge,
    LevelReading,
    Status,
    Verdict,
    identity,
)
from smartbin.facts.wire import batch_of, event_of, kind_of, payload_of, topic_of
from tests.simulation.site import POISONOUS_G, START_US, UNLUCKY_G

BINS = ("bin-001", "bin-002")
DOORS = tuple(category.value for category in Category)
Message = tuple[str, bytes]


class Said(NamedTuple):
    """Every fact of a seed, the messages that carry them, and the messages that are refused."""

    facts: list[Fact]
    messages: list[Message]
    poison: set[Message]


def said(chance: random.Random) -> Said:
    facts = [_fact(n, chance) for n in range(chance.randint(1, 40))]
    facts = list({identity(fact): fact for fact in facts}.values())
    messages = _messages(facts, chance)
    messages += chance.choices(messages, k=len(messages) // 4)
    topic = topic_of("testsite", "bin-001", "deposit")
    poison = {(topic, b'{"n":%d}' % n) for n in range(chance.randint(0, 5))}
    poison |= {(topic, b"\xff\xfe%d" % n) for n in range(chance.randint(0, 2))}
    messages += sorted(poison)
    chance.shuffle(messages)
    return Said(facts, messages, poison)


def _fact(seq: int, chance: random.Random) -> Fact:
    # Coarse times over eight days, so that deposits come too soon, and days and weeks fill up.
    day, slot = chance.randrange(8), chance.randrange(12)
    at_us = START_US + day * calendar.US_PER_DAY + slot * 300 * calendar.US_PER_S + seq
    device, door = chance.choice(BINS), chance.choice(DOORS)
    match chance.randrange(10):
        case 0:
            return LevelReading(device, door, at_us, chance.randrange(101), seq=seq)
        case 1:
            return Collection(device, door, at_us, 9000, chance.randrange(9000), "c1", seq)
        case 2:
            return Status(device, at_us, DeviceState.ONLINE, battery_pct=50, seq=seq)
        case 3:
            return Alarm(device, door, at_us, chance.choice(list(AlarmType)), True, seq)
    weight_g = chance.choices(
        [chance.randrange(3000), POISONOUS_G, UNLUCKY_G], [0.9, 0.05, 0.05]
    )[0]  # fmt: skip
    verdict = chance.choice([None, *Verdict])
    return Deposit(
        device,
        chance.choice(["kitchen", "kitchen", door]),
        at_us,
        weight_g,
        verdict,
        Judge.CAMERA if verdict else None,
        chance.choice([None, *Item]),
        chance.choice([None, "H1", "H1", "H2", "nobody"]),
        seq,
    )


def _messages(facts: Sequence[Fact], chance: random.Random) -> list[Message]:
    """Alone, in batches of a device, or both."""
    messages = []
    for device in BINS:
        left = [fact for fact in facts if fact.device == device]
        while left:
            some, left = left[: (size := chance.choice([1, 1, 1, 5]))], left[size:]
            if len(some) == 1 or chance.random() < 0.1:
                messages += [_single(fact) for fact in some]
            if len(some) > 1:
                events = [(kind_of([fact]), event_of([fact])) for fact in some]
                messages.append((topic_of("testsite", device, "batch"), batch_of(events)))
    return messages


def _single(fact: Fact) -> Message:
    return topic_of("testsite", fact.device, kind_of([fact])), payload_of(event_of([fact]))


def in_telemetry(fact: Fact) -> Fact:
    """The fact as telemetry keeps it: without the person."""
    return replace(fact, account=None) if isinstance(fact, Deposit) else fact
