"""Bytes to facts. Bad input is a value with a reason, never an exception."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from smartbin.core import calendar
from smartbin.facts import events
from smartbin.facts.columns import compiled, made
from smartbin.facts.events import (
    Alarm,
    Collection,
    Deposit,
    DeviceState,
    DoorKey,
    Fact,
    Judge,
    LevelReading,
    Status,
)
from smartbin.facts.wire.encode import payload_of, topic_of
from smartbin.facts.wire.messages import (
    MAX_BATCH,
    MAX_PAYLOAD_BYTES,
    MESSAGES,
    ROOT,
    AlarmMessage,
    BatchMessage,
    CollectionMessage,
    DepositMessage,
    FillMessage,
    Level,
    Message,
    StatusMessage,
)

MAX_AHEAD_US = 10 * 60 * calendar.US_PER_S
# No smart bin of this system is older: an earlier time is a clock that was never set.
EARLIEST_US = 1_577_836_800 * calendar.US_PER_S  # 2020-01-01T00:00:00Z
# Ultrasonic sensors answer 0 or a few millimetres when they see nothing (domain.md: Dragino).
BLIND_MM = 20
# A reading this far below the door's floor is not a reading.
BELOW_FLOOR = 1.1


# Every reason there is, docs/wire-format.md tells when; the last three are the gateway's own.
REASONS = (
    "too_large", "bad_topic", "unknown_site", "unknown_device", "unknown_kind", "bad_utf8",
    "bad_json", "bad_field", "bad_time", "bad_value", "unknown_door", "future_time", "past_time",
    "too_many_events", "flood", "conflict", "store_refused",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused message, whole. ``reason`` is a short code, ``field`` the culprit ("" for the
    whole).

    A refused event of a batch stands alone here, under the topic and with the payload it would have
    had on its own, so that it can be replayed alone.
    """

    topic: str
    payload: bytes
    received_at_us: int
    reason: str
    field: str
    detail: str


class Decoded(NamedTuple):
    """What one message became."""

    facts: list[Fact]
    rejected: list[Rejected]


class _Refusal(Exception):
    def __init__(self, reason: str, field: str, detail: str) -> None:
        self.reason, self.field, self.detail = reason, field, detail


class SiteCalendar(Protocol):
    """The site that messages name and the zone of its calendar days."""

    @property
    def id(self) -> str:
        """As it stands in topics."""

    @property
    def zone(self) -> ZoneInfo:
        """Where a day begins."""


class DoorMeasures(Protocol):
    """A door's measures, from which a distance becomes a level."""

    @property
    def id(self) -> str:
        """As it stands in messages."""

    @property
    def depth_mm(self) -> int:
        """From full to empty."""

    @property
    def offset_mm(self) -> int:
        """From the sensor to full."""


class Places(Protocol):
    """The part of the registry (``smartbin.places.Registry``) that decoding needs. A protocol:
    places import facts, so facts cannot import places.
    """

    @property
    def site(self) -> SiteCalendar:
        """The one site there is."""

    @property
    def devices(self) -> Mapping[str, object]:
        """Every device by its id."""

    def doors_of_device(self, device_id: str, /) -> Sequence[DoorMeasures]:
        """Every dated door of a device."""

    def door(self, key: DoorKey, day: date, /) -> DoorMeasures | None:
        """What the door was on that day; None when unknown."""


class Decoder:
    """Turns messages into facts, knowing the site's devices and doors. ``dropped_verdicts`` counts
    those that a device gave in a person's name.
    """

    def __init__(self, registry: Places) -> None:
        self._registry = registry
        self._zone = registry.site.zone
        self._doors = {
            device: frozenset(door.id for door in registry.doors_of_device(device))
            for device in registry.devices
        }
        self._one: dict[str, Callable[[bytes], Any]] = {
            kind: TypeAdapter(model).validate_json for kind, model in MESSAGES.items()
        }
        self._batch = TypeAdapter(BatchMessage).validate_json
        self.dropped_verdicts = 0
        # Every topic on which something may come, as it is asked for each message.
        self._addresses = {
            topic_of(registry.site.id, device, kind): (device, kind)
            for device in registry.devices
            for kind in (*MESSAGES, "batch")
        }

    def decode(self, topic: str, payload: bytes, received_at_us: int) -> Decoded:
        """Facts and refusals of one message. Never raises: bad input is a value."""
        try:
            device, kind = self._address(topic, payload)
            if not payload:  # deletes a retained message (MQTT 3.1.1, 3.3.1.3) and states nothing
                return Decoded([], [])
            if kind == "batch":
                return self._decode_batch(device, topic, payload, received_at_us)
            return Decoded(self._decode_one(device, kind, payload, received_at_us), [])
        except _Refusal as why:
            return Decoded([], [_rejected(why, topic, payload, received_at_us)])

    def _address(self, topic: str, payload: bytes) -> tuple[str, str]:
        if len(payload) > MAX_PAYLOAD_BYTES:
            detail = f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are taken"
            raise _Refusal("too_large", "", detail)
        try:
            return self._addresses[topic]
        except KeyError:
            raise self._unknown(topic) from None

    def _unknown(self, topic: str) -> _Refusal:
        """Why nothing may come on this topic."""
        parts = topic.split("/")
        if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != ROOT:
            return _Refusal("bad_topic", "topic", f"expected {ROOT}/SITE/DEVICE/KIND")
        site, device, kind = parts[2:]
        if site != self._registry.site.id:
            return _Refusal("unknown_site", "topic", f"this site is {self._registry.site.id}")
        if device not in self._doors:
            detail = f"device {device!r} is not in the registry"
            return _Refusal("unknown_device", "topic", detail)
        return _Refusal("unknown_kind", "topic", f"{kind!r} is not one of {', '.join(MESSAGES)}")

    def _decode_one(
        self, device: str, kind: str, payload: bytes, received_at_us: int
    ) -> list[Fact]:
        try:
            message = self._one[kind](payload)
        except ValidationError as error:
            if kind == "status" and is_last_will(payload):
                return [Status(device, received_at_us, DeviceState.OFFLINE)]
            if (rewritten := _with_whole_numbers(payload)) is None:
                raise _refusal(error, payload) from None
            return self._decode_one(device, kind, rewritten, received_at_us)
        return self._facts(device, message, received_at_us)

    def _decode_batch(
        self, device: str, topic: str, payload: bytes, received_at_us: int
    ) -> Decoded:
        dropped = self.dropped_verdicts
        try:
            # The whole batch in one pass: nearly every batch is good, and this is twice as quick.
            batch = self._batch(payload)
            return Decoded(
                [f for m in batch.events for f in self._facts(device, m, received_at_us)], []
            )
        except (ValidationError, _Refusal):
            decoded = Decoded([], [])
        self.dropped_verdicts = dropped  # its events are looked at once more, one by one
        for event in _events_of(payload):
            alone_topic, alone = _alone(topic, event)
            try:
                kind = alone_topic.rpartition("/")[2]
                if kind == "batch":
                    raise _Refusal("unknown_kind", "kind", "an event needs a kind of its own")
                decoded.facts.extend(self._decode_one(device, kind, alone, received_at_us))
            except _Refusal as why:
                decoded.rejected.append(_rejected(why, alone_topic, alone, received_at_us))
        return decoded

    def _facts(self, device: str, message: Message, received_at_us: int) -> list[Fact]:
        at_us = events.at_us(_at_ms(message.at), message.seq)
        if at_us > received_at_us + MAX_AHEAD_US:
            raise _Refusal("future_time", "at", "more than 10 minutes ahead of the gateway's clock")
        if at_us < EARLIEST_US:
            raise _Refusal("past_time", "at", "before 2020: the device's clock is not set")
        match message:
            case DepositMessage():
                self._known(device, message.door, "door")
                verdict, judge = message.verdict, message.judge
                if verdict is not None and judge is None:
                    judge = Judge.CAMERA
                elif verdict is None and judge is not None:
                    raise _Refusal("bad_value", "judge", "a judge without a verdict")
                elif verdict is not None and judge is not Judge.CAMERA:
                    # A person gives a verdict through the API, signed in; a device cannot.
                    self.dropped_verdicts += 1
                    verdict = judge = None
                return [_DEPOSIT_OF(device, at_us, verdict, judge, message)]
            case FillMessage():
                return self._readings(device, message, at_us)
            case CollectionMessage(door=door, gross_g=gross_g, tare_g=tare_g):
                self._known(device, door, "door")
                if tare_g > gross_g:
                    raise _Refusal("bad_value", "tare_g", "the tare is heavier than the gross")
                return [_COLLECTION_OF(device, at_us, message)]
            case StatusMessage():
                return [_STATUS_OF(device, at_us, message)]
            case AlarmMessage(door=door):
                if door is not None:
                    self._known(device, door, "door")
                return [_ALARM_OF(device, at_us, message)]

    def _readings(self, device: str, message: FillMessage, at_us: int) -> list[Fact]:
        readings: list[Fact] = []
        seen: set[str] = set()
        for n, level in enumerate(message.levels):
            self._known(device, level.door, f"levels.{n}.door")
            if level.door in seen:
                raise _Refusal("bad_value", f"levels.{n}.door", "the door is named twice")
            seen.add(level.door)
            said = [level.level_pct, level.distance_mm, level.fault]
            if sum(value is not None for value in said) != 1:
                detail = "give exactly one of level_pct, distance_mm and fault"
                raise _Refusal("bad_value", f"levels.{n}", detail)
            level_pct, fault = self._level(device, level, at_us)
            seq = message.seq if n == 0 else None
            readings.append(LevelReading(device, level.door, at_us, level_pct, fault, seq))
        return readings

    def _level(self, device: str, level: Level, at_us: int) -> tuple[int | None, str | None]:
        """The level in percent, or why there is none: a broken sensor is missing, never 0 or
        100.
        """
        if level.fault is not None:
            return None, level.fault
        if level.level_pct is not None:
            return (level.level_pct, None) if 0 <= level.level_pct <= 100 else (None, "range")
        day = calendar.day_of(at_us, self._zone)
        door = self._registry.door(DoorKey(device, level.door), day)
        if door is None or level.distance_mm is None or level.distance_mm < BLIND_MM:
            return None, "blind"
        filled_mm = door.depth_mm - (level.distance_mm - door.offset_mm)
        if level.distance_mm > (door.depth_mm + door.offset_mm) * BELOW_FLOOR:
            return None, "range"
        return min(100, max(0, round(100 * filled_mm / door.depth_mm))), None

    def _known(self, device: str, door: str, field: str) -> None:
        if door not in self._doors[device]:
            raise _Refusal("unknown_door", field, f"{device} has no door {door!r} in the registry")


def _from_message(fact: type[Fact], *given: str, **values: str) -> Callable[..., Any]:
    """The function that makes a fact of what is given and of a message's fields."""
    at = {name: name for name in given}
    return compiled(", ".join((*given, "message")), made(fact, {**at, **values}, "message"))


_DEPOSIT_OF = _from_message(Deposit, "device", "at_us", "verdict", "judge")
_COLLECTION_OF = _from_message(Collection, "device", "at_us")
_STATUS_OF = _from_message(Status, "device", "at_us")
_ALARM_OF = _from_message(Alarm, "device", "at_us", door="message.door or ''")


def _number(text: str) -> int | float:
    """JSON has one kind of number: 1240.0 and 1.24e3 are 1240."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _with_whole_numbers(payload: bytes) -> bytes | None:
    """The payload with whole numbers written as such; None when that changes nothing. Only asked
    for what was refused: some firmware (Lua) writes every number with a point.
    """
    try:
        plain = json.loads(payload.decode())
        whole = json.loads(payload.decode(), parse_float=_number)
        written = _bytes_of(whole)
    except (ValueError, RecursionError, _Refusal):
        return None
    return written if written != _bytes_of(plain) else None


def _at_ms(at: str) -> int:
    try:
        return calendar.to_us(datetime.fromisoformat(at)) // 1000
    except ValueError as error:  # the pattern lets the 31st of February through
        raise _Refusal("bad_field", "at", str(error)) from None


def is_last_will(payload: bytes) -> bool:
    """Whether a status is the broker's word for a lost device: a state and no time."""
    try:
        said = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("state") == "offline" and "at" not in said


def _events_of(payload: bytes) -> list[Any]:
    try:
        # As text: of bytes json would guess the encoding, and take UTF-16.
        batch = json.loads(payload.decode(), parse_float=_number)
    except RecursionError:
        raise _Refusal("bad_json", "", "nested too deeply") from None
    except ValueError:
        raise _not_json(payload) from None
    said = batch.get("events") if isinstance(batch, dict) else None
    if not isinstance(said, list):
        raise _Refusal("bad_field", "events", "a batch is an object with a list of events")
    if not 1 <= len(said) <= MAX_BATCH:
        detail = f"{len(said)} events; 1 to {MAX_BATCH} are taken"
        raise _Refusal("too_many_events", "events", detail)
    return said


def _alone(topic: str, event: Any) -> tuple[str, bytes]:
    """The topic and payload that an event of a batch would have had on its own."""
    if isinstance(event, dict) and isinstance(kind := event.get("kind"), str) and kind in MESSAGES:
        return f"{topic.rpartition('/')[0]}/{kind}", _bytes_of(event)
    return topic, _bytes_of({"events": [event]})


def _bytes_of(event: Any) -> bytes:
    try:
        return payload_of(event)
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write and UTF-8 cannot
        return json.dumps(event, separators=(",", ":")).encode()
    except RecursionError:
        raise _Refusal("bad_json", "", "nested too deeply") from None


def _rejected(why: _Refusal, topic: str, payload: bytes, received_at_us: int) -> Rejected:
    return Rejected(topic, payload, received_at_us, why.reason, why.field, why.detail)


def _refusal(error: ValidationError, payload: bytes) -> _Refusal:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return _not_json(payload)
    field = ".".join(str(part) for part in first["loc"])
    if field.endswith("at") and first["type"] == "string_pattern_mismatch":
        return _Refusal("bad_time", field, "not an RFC 3339 time with an offset")
    return _Refusal("bad_field", field, first["msg"])


def _not_json(payload: bytes) -> _Refusal:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return _Refusal("bad_utf8", "", "the payload is not UTF-8")
    return _Refusal("bad_json", "", "the payload is not JSON")
