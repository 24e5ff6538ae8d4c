"""Every way a message can be refused, with its reason, its field and its sentence; and what the
borders of the good ones are.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs  # what schemathesis validates with
import pytest

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DeviceState,
    Fact,
    Item,
    Judge,
    LevelReading,
    Status,
    Verdict,
)
from smartbin.facts.wire import (
    MAX_PAYLOAD_BYTES,
    Decoded,
    Decoder,
    Rejected,
    batch_of,
    event_of,
    is_last_will,
    kind_of,
    payload_of,
    topic_of,
)
from smartbin.places import Registry
from tests.places.small import small_registry

DECODER = Decoder(small_registry())
NOW = datetime(2025, 11, 23, 12, 0, tzinfo=UTC)
NOW_US = calendar.to_us(NOW)
AT = "2025-11-23T12:00:00Z"
MINUTE_US = 60 * calendar.US_PER_S
DEPOSIT = {"at": AT, "seq": 7, "door": "kitchen", "weight_g": 5}
COLLECTION = {"at": AT, "seq": 7, "door": "kitchen", "gross_g": 9, "tare_g": 4}
ALARM = {"at": AT, "seq": 7, "type": "fire", "active": True}


def topic(kind: str, device: str = "bin-001") -> str:
    return topic_of("testsite", device, kind)


def decoded(kind: str, event: Any) -> Any:
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    return DECODER.decode(topic(kind), payload, NOW_US)


def facts(kind: str, event: Any) -> list[Fact]:
    found = decoded(kind, event)
    assert found.rejected == []
    return list(found.facts)


def refusal(kind: str, event: Any) -> tuple[str, str, str]:
    found = decoded(kind, event)
    assert found.facts == []
    (r,) = found.rejected
    return (r.reason, r.field, r.detail)


def fill(*levels: dict[str, Any]) -> dict[str, Any]:
    return {"at": AT, "seq": 7, "levels": list(levels)}


REFUSED: list[tuple[str, Any, tuple[str, str, str]]] = [
    ("deposit", b"\xff", ("bad_utf8", "", "the payload is not UTF-8")),
    ("deposit", b"{", ("bad_json", "", "the payload is not JSON")),
    ("batch", b"\xff", ("bad_utf8", "", "the payload is not UTF-8")),
    ("batch", b"{", ("bad_json", "", "the payload is not JSON")),
    ("batch", b"[" * 100_000, ("bad_json", "", "nested too deeply")),
    ("batch", [], ("bad_field", "events", "a batch is an object with a list of events")),
    ("batch", {"events": 1}, ("bad_field", "events", "a batch is an object with a list of events")),
    ("batch", {"events": []}, ("too_many_events", "events", "0 events; 1 to 500 are taken")),
    (
        "batch",
        {"events": [{}] * 501},
        ("too_many_events", "events", "501 events; 1 to 500 are taken"),
    ),
    (
        "batch",
        {"events": [{"kind": "batch"}]},
        ("unknown_kind", "kind", "an event needs a kind of its own"),
    ),
    (
        "deposit",
        {**DEPOSIT, "at": "2025-02-31T12:00:00Z"},
        ("bad_field", "at", "day is out of range for month"),
    ),
    (
        "deposit",
        {**DEPOSIT, "at": "yesterday"},
        ("bad_time", "at", "not an RFC 3339 time with an offset"),
    ),
    (
        "deposit",
        {**DEPOSIT, "at": 5},
        ("bad_field", "at", "Input should be a valid string"),
    ),
    (
        "deposit",
        {**DEPOSIT, "door": "Küche"},
        ("bad_field", "door", "String should match pattern '^[a-z0-9-]{1,32}$'"),
    ),
    (
        "fill",
        fill({"door": "kitchen", "level_pct": "5"}),
        ("bad_field", "levels.0.level_pct", "Input should be a valid integer"),
    ),
    (
        "deposit",
        {**DEPOSIT, "at": "2025-11-23T12:10:00.001Z", "seq": 0},
        ("future_time", "at", "more than 10 minutes ahead of the gateway's clock"),
    ),
    (
        "deposit",
        {**DEPOSIT, "at": "2019-12-31T23:59:59.999Z"},
        ("past_time", "at", "before 2020: the device's clock is not set"),
    ),
    (
        "deposit",
        {**DEPOSIT, "judge": "camera"},
        ("bad_value", "judge", "a judge without a verdict"),
    ),
    (
        "deposit",
        {**DEPOSIT, "door": "attic"},
        ("unknown_door", "door", "bin-001 has no door 'attic' in the registry"),
    ),
    (
        "collection",
        {**COLLECTION, "door": "attic"},
        ("unknown_door", "door", "bin-001 has no door 'attic' in the registry"),
    ),
    (
        "alarm",
        {**ALARM, "door": "attic"},
        ("unknown_door", "door", "bin-001 has no door 'attic' in the registry"),
    ),
    (
        "fill",
        fill({"door": "kitchen", "level_pct": 5}, {"door": "attic", "level_pct": 5}),
        ("unknown_door", "levels.1.door", "bin-001 has no door 'attic' in the registry"),
    ),
    (
        "collection",
        {**COLLECTION, "tare_g": 10},
        ("bad_value", "tare_g", "the tare is heavier than the gross"),
    ),
    (
        "fill",
        fill({"door": "kitchen", "level_pct": 5}, {"door": "kitchen", "level_pct": 5}),
        ("bad_value", "levels.1.door", "the door is named twice"),
    ),
    (
        "fill",
        fill({"door": "kitchen"}),
        ("bad_value", "levels.0", "give exactly one of level_pct, distance_mm and fault"),
    ),
    (
        "fill",
        fill({"door": "kitchen", "level_pct": 5, "distance_mm": 500}),
        ("bad_value", "levels.0", "give exactly one of level_pct, distance_mm and fault"),
    ),
    (
        "dance",
        {},
        ("unknown_kind", "topic", "'dance' is not one of fill, deposit, collection, status, alarm"),
    ),
]


@pytest.mark.parametrize(("kind", "event", "told"), REFUSED)
def test_a_refusal_names_reason_field_and_remedy(
    kind: str, event: Any, told: tuple[str, str, str]
) -> None:
    assert refusal(kind, event) == told


@pytest.mark.parametrize(
    ("where", "reason", "detail"),
    [
        ("smartbin/v1/testsite/bin-001", "bad_topic", "expected smartbin/v1/SITE/DEVICE/KIND"),
        ("smartbin/v2/testsite/bin-001/fill", "bad_topic", "expected smartbin/v1/SITE/DEVICE/KIND"),
        ("smart/v1/testsite/bin-001/fill", "bad_topic", "expected smartbin/v1/SITE/DEVICE/KIND"),
        ("smartbin/v1/a/b/fill/x", "bad_topic", "expected smartbin/v1/SITE/DEVICE/KIND"),
        ("smartbin/v1/other/bin-001/fill", "unknown_site", "this site is testsite"),
        (
            "smartbin/v1/testsite/bin-9/fill",
            "unknown_device",
            "device 'bin-9' is not in the registry",
        ),
    ],
)
def test_a_topic_that_is_none_of_ours(where: str, reason: str, detail: str) -> None:
    (r,) = DECODER.decode(where, b"{}", NOW_US).rejected
    assert r == Rejected(where, b"{}", NOW_US, reason, "topic", detail)


def test_a_payload_is_refused_above_its_bound_only() -> None:
    text = json.dumps(DEPOSIT).encode()
    assert facts("deposit", text + b" " * (MAX_PAYLOAD_BYTES - len(text)))
    told = ("too_large", "", "262145 bytes; at most 262144 are taken")
    assert refusal("deposit", text + b" " * (MAX_PAYLOAD_BYTES + 1 - len(text))) == told


def test_the_borders_of_time() -> None:
    (ahead,) = facts("deposit", {**DEPOSIT, "at": "2025-11-23T12:10:00Z", "seq": 0})
    assert ahead.at_us == NOW_US + 10 * MINUTE_US
    (first,) = facts("deposit", {**DEPOSIT, "at": "2020-01-01T00:00:00Z", "seq": 0})
    assert first.at_us == 1_577_836_800_000_000
    (named,) = facts("deposit", {**DEPOSIT, "seq": 41_999})
    assert named.at_us == NOW_US + 999


@pytest.mark.parametrize("judge", ["inspector", "supervisor"])
def test_a_device_gives_no_verdict_in_a_persons_name(judge: str) -> None:
    event = {**DEPOSIT, "verdict": "correct", "judge": judge, "account": "K1", "item": "paper"}
    decoder = Decoder(small_registry())
    bad = {"kind": "deposit", **DEPOSIT, "door": "attic"}
    batch = payload_of({"events": [{"kind": "deposit", **event}, bad]})
    kept = Deposit("bin-001", "kitchen", NOW_US + 7, 5, None, None, Item.PAPER, "K1", 7)
    assert decoder.decode(
        topic_of("testsite", "bin-001", "deposit"), payload_of(event), NOW_US
    ) == ([kept], [])
    assert decoder.dropped_verdicts == 1
    assert decoder.decode(topic_of("testsite", "bin-001", "batch"), batch, NOW_US).facts == [kept]
    assert decoder.dropped_verdicts == 2


def test_every_field_of_every_kind_arrives() -> None:
    more = {"account": "K1", "verdict": "correct", "judge": "camera"}
    correct, judge = Verdict.CORRECT, Judge.CAMERA
    assert facts("deposit", {**DEPOSIT, **more}) == [
        Deposit("bin-001", "kitchen", NOW_US + 7, 5, correct, judge, None, "K1", 7)
    ]
    (camera,) = facts("deposit", {**DEPOSIT, "verdict": "incorrect"})
    assert (camera.verdict, camera.judge) == (Verdict.INCORRECT, Judge.CAMERA)  # type: ignore[union-attr]
    assert facts("collection", {**COLLECTION, "tare_g": 9, "crew": "c"}) == [
        Collection("bin-001", "kitchen", NOW_US + 7, 9, 9, "c", 7)
    ]
    health = {"battery_pct": 1, "voltage_mv": 2, "rssi_dbm": -3, "temperature_c": 4}
    status = {"at": AT, "seq": 7, "state": "online", **health, "firmware": "f"}
    assert facts("status", status) == [
        Status("bin-001", NOW_US + 7, DeviceState.ONLINE, 1, 2, -3, 4, "f", 7)
    ]
    fire = AlarmType.FIRE
    assert facts("alarm", ALARM) == [Alarm("bin-001", "", NOW_US + 7, fire, True, 7)]
    (at_a_door,) = facts("alarm", {**ALARM, "door": "kitchen"})
    assert at_a_door == Alarm("bin-001", "kitchen", NOW_US + 7, fire, True, 7)


@pytest.mark.parametrize("written", ["1240.0", "1.24e3", "12400e-1"])
def test_a_whole_number_may_be_written_with_a_point_or_an_exponent(written: str) -> None:
    payload = f'{{"at":"{AT}","seq":4.0,"door":"kitchen","weight_g":{written}}}'
    (deposit,) = facts("deposit", payload.encode())
    assert deposit == Deposit("bin-001", "kitchen", NOW_US + 4, 1240, seq=4)
    batch = f'{{"events":[{{"kind":"deposit",{payload[1:]},{{"kind":"dance"}}]}}'.encode()
    assert decoded("batch", batch).facts == [deposit]


@pytest.mark.parametrize("written", ["1240.5", "1e400", "NaN", '"1240.0"', "true"])
def test_what_is_not_a_whole_number_is_refused(written: str) -> None:
    payload = f'{{"at":"{AT}","seq":4,"door":"kitchen","weight_g":{written}}}'
    reason, field, _ = refusal("deposit", payload.encode())
    assert (reason, field) in {("bad_field", "weight_g"), ("bad_json", "")}


@pytest.mark.parametrize("kind", ["deposit", "status"])
@pytest.mark.parametrize("value", [1240, 7.0, 1240.5, "5", True, None, -1, [], {}, 200_001, 255])
def test_the_schema_and_the_decoder_agree(kind: str, value: Any) -> None:
    schemas = json.loads(Path("docs/asyncapi.json").read_text("utf-8"))["components"]["schemas"]
    name, field = {
        "deposit": ("DepositMessage", "weight_g"),
        "status": ("StatusMessage", "battery_pct"),
    }[kind]
    message = {**DEPOSIT, "state": "online", field: value}
    described = {**schemas[name], "components": {"schemas": schemas}}
    taken = jsonschema_rs.validator_for(described).is_valid(message)
    assert (decoded(kind, message).rejected == []) == taken


def test_an_empty_payload_deletes_a_retained_message_and_states_nothing() -> None:
    for kind in ("status", "deposit", "batch"):
        assert decoded(kind, b"") == Decoded([], [])
    (refused,) = DECODER.decode(topic("status", "bin-999"), b"", NOW_US).rejected
    assert refused.reason == "unknown_device"


def test_a_sentinel_is_missing_and_the_rest_is_kept() -> None:
    said = {"at": AT, "seq": 7, "state": "online", "rssi_dbm": -71}
    sentinels = {"battery_pct": 255, "voltage_mv": -1, "temperature_c": 65535}
    assert facts("status", said | sentinels) == [
        Status("bin-001", NOW_US + 7, DeviceState.ONLINE, rssi_dbm=-71, seq=7)
    ]
    assert refusal("status", said | {"battery_pct": "255"})[0] == "bad_field"


@pytest.mark.parametrize(
    ("volume_ml", "kept"),
    [(0, None), (1, 1), (1_000_000, 1_000_000), (1_000_001, None), (2**32 - 1, None), (-1, None)],
)
def test_a_volume_that_cannot_be_is_missing_and_the_deposit_is_kept(
    volume_ml: int, kept: int | None
) -> None:
    said = {"at": AT, "seq": 7, "door": "kitchen", "weight_g": 900, "volume_ml": volume_ml}
    assert facts("deposit", said) == [
        Deposit("bin-001", "kitchen", NOW_US + 7, 900, seq=7, volume_ml=kept)
    ]
    assert refusal("deposit", said | {"volume_ml": "900"})[0] == "bad_field"


def test_an_offset_may_be_written_without_a_colon() -> None:
    (deposit,) = facts("deposit", {**DEPOSIT, "at": "2025-11-23T20:00:00+0800"})
    assert deposit.at_us == NOW_US + 7


def test_a_fill_counts_its_message_on_the_first_reading() -> None:
    said = fill({"door": "kitchen", "level_pct": 5}, {"door": "residual", "fault": "cable"})
    assert facts("fill", said) == [
        LevelReading("bin-001", "kitchen", NOW_US + 7, 5, None, 7),
        LevelReading("bin-001", "residual", NOW_US + 7, None, "cable", None),
    ]


@pytest.mark.parametrize(
    ("said", "level_pct", "fault"),
    [
        ({"level_pct": 0}, 0, None),
        ({"level_pct": 100}, 100, None),
        ({"level_pct": -1}, None, "range"),
        ({"level_pct": 101}, None, "range"),
        # The door is 1,200 mm deep and the sensor 50 mm above it.
        ({"distance_mm": 19}, None, "blind"),
        ({"distance_mm": 20}, 100, None),
        ({"distance_mm": 50}, 100, None),
        ({"distance_mm": 350}, 75, None),
        ({"distance_mm": 1250}, 0, None),
        ({"distance_mm": 1375}, 0, None),
        ({"distance_mm": 1376}, None, "range"),
        ({"fault": "cable"}, None, "cable"),
    ],
)
def test_a_level_is_measured_or_missing(
    said: dict[str, Any], level_pct: int | None, fault: str | None
) -> None:
    (reading,) = facts("fill", fill({"door": "kitchen", **said}))
    assert isinstance(reading, LevelReading)
    assert (reading.level_pct, reading.fault) == (level_pct, fault)


def test_a_distance_is_measured_by_the_door_of_that_day_at_the_site() -> None:
    before, since = (
        Days(date(2020, 1, 1), date(2025, 11, 23)),
        Days(date(2025, 11, 24), date(9999, 12, 30)),
    )
    small = small_registry()
    (door,) = (d for d in small.doors_of_device("bin-001") if d.id == "kitchen")
    doors = [replace(door, days=before), replace(door, depth_mm=600, days=since)]
    decoder = Decoder(Registry(small.site, [], [small.device("bin-001")], doors, [], [], []))
    levels = []
    for at in ("2025-11-23T15:59:59Z", "2025-11-23T16:00:00Z"):  # midnight in Shanghai
        event = {**fill({"door": "kitchen", "distance_mm": 350}), "at": at}
        at_us = calendar.to_us(datetime.fromisoformat(at))
        (reading,) = decoder.decode(topic("fill"), payload_of(event), at_us).facts
        assert isinstance(reading, LevelReading)
        levels.append(reading.level_pct)
    assert levels == [75, 50]


def test_one_bad_event_of_a_batch_is_refused_alone_and_as_it_would_have_come() -> None:
    good = {"kind": "deposit", **DEPOSIT}
    bad = {"kind": "collection", **COLLECTION, "tare_g": 10}
    found = decoded("batch", {"events": [good, bad, 5, {"kind": "dance"}, {**good, "seq": 8}]})
    assert [f.seq for f in found.facts] == [7, 8]
    assert [(r.topic, r.payload, r.received_at_us, r.reason) for r in found.rejected] == [
        (topic("collection"), payload_of(bad), NOW_US, "bad_value"),
        (topic("batch"), b'{"events":[5]}', NOW_US, "unknown_kind"),
        (topic("batch"), b'{"events":[{"kind":"dance"}]}', NOW_US, "unknown_kind"),
    ]
    again = DECODER.decode(found.rejected[0].topic, found.rejected[0].payload, NOW_US)
    assert again.rejected == [found.rejected[0]]


def test_a_full_batch_with_one_bad_event_keeps_the_others() -> None:
    events = [{"kind": "deposit", **DEPOSIT, "seq": n} for n in range(499)]
    found = decoded("batch", {"events": [*events, 5]})
    assert [f.seq for f in found.facts] == list(range(499))
    assert [r.payload for r in found.rejected] == [b'{"events":[5]}']


def test_half_a_surrogate_pair_is_refused_alone_whole_and_again_in_a_replay() -> None:
    bad = json.dumps({"kind": "deposit", **DEPOSIT, "account": "\ud800"}, separators=(",", ":"))
    good = json.dumps({"kind": "deposit", **DEPOSIT})
    found = decoded("batch", f'{{"events":[{bad},{good}]}}'.encode())
    assert [f.seq for f in found.facts] == [7]
    told = ("bad_json", "", "the payload is not JSON")
    assert found.rejected == [Rejected(topic("deposit"), bad.encode(), NOW_US, *told)]
    assert decoded("deposit", bad.encode()).rejected == found.rejected


def test_an_event_too_deep_to_be_written_again_is_refused_with_its_batch_whole() -> None:
    """At some depth an event can be read but not written: no depth may raise or lose a byte."""
    for depth in range(1, 2000):
        event = b'{"kind":"deposit","x":' + b"[" * depth + b"]" * depth + b"}"
        payload = b'{"events":[' + event + b"]}"
        (r,) = decoded("batch", payload).rejected
        if r.payload != event:
            break
    assert r == Rejected(topic("batch"), payload, NOW_US, "bad_json", "", "nested too deeply")


def test_a_good_batch_is_all_its_facts() -> None:
    events = [{"kind": "deposit", **DEPOSIT, "seq": n} for n in range(500)]
    found = decoded("batch", {"events": events})
    assert [f.seq for f in found.facts] == list(range(500))
    assert found.rejected == []


@pytest.mark.parametrize(
    ("payload", "will"),
    [
        (b'{"state":"offline"}', True),
        (b'{"state":"offline","battery_pct":5}', True),
        (b'{"state":"offline","at":"x"}', False),
        (b'{"state":"online"}', False),
        (b"[]", False),
        (b"{", False),
    ],
)
def test_a_last_will_is_a_state_without_a_time(payload: bytes, will: bool) -> None:
    assert is_last_will(payload) is will
    found = DECODER.decode(topic("status"), payload, NOW_US)
    lost = [Status("bin-001", NOW_US, DeviceState.OFFLINE)]
    assert found.facts == (lost if will else [])
    assert len(found.rejected) == (not will)


FACTS: list[list[Fact]] = [
    [Deposit("bin-001", "kitchen", NOW_US + 7, 5, Verdict.CORRECT, Judge.CAMERA, None, "K", 7)],
    [Collection("bin-001", "kitchen", NOW_US + 7, 9, 4, "c", 7)],
    [Status("bin-001", NOW_US + 7, DeviceState.ONLINE, 1, 2, -3, 4, "ü", 7)],
    [Alarm("bin-001", "", NOW_US + 7, AlarmType.JAM, False, 7)],
    [
        LevelReading("bin-001", "kitchen", NOW_US + 7, 5, None, 7),
        LevelReading("bin-001", "residual", NOW_US + 7, None, "cable"),
    ],
]


@pytest.mark.parametrize("said", FACTS, ids=kind_of)
def test_what_is_encoded_decodes_to_itself(said: list[Fact]) -> None:
    payload = payload_of(event_of(said))
    assert b" " not in payload
    assert facts(kind_of(said), payload) == said
    assert facts("batch", batch_of([(kind_of(said), event_of(said))])) == said
