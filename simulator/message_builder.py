"""Turns what happens at a device on a day into its messages, counting them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from simulator import habits
from simulator.deposits import Put
from smartbin.facts.events import (
    Alarm,
    Collection,
    Deposit,
    DeviceState,
    Fact,
    Judge,
    LevelReading,
    Status,
    at_us,
)
from smartbin.places import Door


class Message(NamedTuple):
    """What a device says at once: one fact, or the readings of all its doors."""

    device: str
    at_us: int
    facts: tuple[Fact, ...]


Happening = tuple[int, int, Any]  # when (ms), which of the below, and its details
PUT, BROUGHT, EMPTIED, ALARM, STATUS, FILL = range(6)


class MessageBuilder:
    """One device's day. ``seq`` is the counter before its first message."""

    def __init__(self, device: str, doors: Sequence[Door], loads: dict[str, int], seq: int) -> None:
        self._device, self._doors, self._loads, self._seq = device, doors, loads, seq
        self._by_id = {door.id: door for door in doors}
        self._told: list[Message] = []

    def tell(self, happenings: Sequence[Happening]) -> list[Message]:
        """The messages in time order; ``happenings`` are in time order."""
        for at_ms, what, happened in happenings:
            if what == PUT:
                self._put(happened)
            elif what == FILL:
                self._fill(at_ms)
            elif what == BROUGHT:
                door, net_g = happened
                self._grow(at_ms, door, net_g)
            elif what == EMPTIED:
                self._emptied(at_ms, *happened)
            elif what == STATUS:
                rssi_dbm, temperature_c = happened
                at = self._next(at_ms)
                online = DeviceState.ONLINE
                health = (None, None, rssi_dbm, temperature_c, habits.FIRMWARE)
                self._say(Status(self._device, at, online, *health, self._seq))
            else:
                type_, door, active = happened
                at = self._next(at_ms)
                self._say(Alarm(self._device, door, at, type_, active, self._seq))
        self._told.sort(key=attrgetter("at_us"))
        return self._told

    def _put(self, put: Put) -> None:
        at = self._next(put.at_ms)
        judge = Judge.CAMERA if put.verdict else None
        self._say(
            Deposit(
                self._device,
                put.door,
                at,
                put.weight_g,
                put.verdict,
                judge,
                put.item,
                put.account,
                self._seq,
                self._volume_ml(put),
            )
        )
        self._grow(put.at_ms, put.door, put.weight_g)

    def _volume_ml(self, put: Put) -> int | None:
        """What the box measures, where it can: at a third of the devices. One in 200 is far too
        little, as when somebody has put a stone into the bag.
        """
        if sum(self._device.encode()) % 3:
            return None
        category = self._by_id[put.door].category
        volume_ml = put.weight_g * 1000 // habits.GRAMS_A_LITRE[category]
        return max(1, volume_ml if self._seq % 200 else volume_ml // 30)

    def _grow(self, at_ms: int, door_id: str, weight_g: int) -> None:
        """More in a door; a level that crosses a threshold is told at once."""
        door = self._by_id[door_id]
        before = _level_pct(door, self._loads[door_id])
        self._loads[door_id] += weight_g
        after = _level_pct(door, self._loads[door_id])
        if before < door.full_pct <= after or before < door.overfull_pct <= after:
            self._fill(at_ms + 1)

    def _emptied(self, at_ms: int, door: str, net_g: int, crew: str) -> None:
        at = self._next(at_ms)
        gross_g = net_g + habits.TARE_G
        self._say(Collection(self._device, door, at, gross_g, habits.TARE_G, crew, self._seq))
        self._loads[door] -= net_g
        self._fill(at_ms + 1)

    def _fill(self, at_ms: int) -> None:
        at = self._next(at_ms)
        readings = tuple(
            LevelReading(
                self._device,
                door.id,
                at,
                _level_pct(door, self._loads[door.id]),
                None,
                None if n else self._seq,
            )
            for n, door in enumerate(self._doors)
        )
        self._told.append(Message(self._device, at, readings))

    def _next(self, at_ms: int) -> int:
        self._seq += 1
        return at_us(at_ms, self._seq)

    def _say(self, fact: Fact) -> None:
        self._told.append(Message(self._device, fact.at_us, (fact,)))


def _level_pct(door: Door, load_g: int) -> int:
    return min(100, load_g * 100 // (habits.GRAMS_A_LITRE[door.category] * door.capacity_l))
