"""Whatever a device sends becomes facts or refusals, and never ends the gateway.

4,000 inputs with every run; a million in ``make soak``. A failure prints the topic and the bytes.
"""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartbin.facts.wire import MESSAGES, REASONS, Decoder, is_last_will
from smartbin.facts.wire.decode import EARLIEST_US, MAX_AHEAD_US
from smartbin.quarantine.store import (
    UNREADABLE,
    UNREADABLE_BYTES_MAX,
    QuarantinedMessage,
    _line,
)
from tests.facts.test_wire_examples import EXAMPLES
from tests.fuzz.mutations import INPUTS, SEED, mutated
from tests.places.small import small_registry
from tests.real import ROOT

NOW_US = 1_795_000_000_000_000
DECODER = Decoder(small_registry())
BASE = "smartbin/v1/testsite/bin-001/"
KINDS = (*MESSAGES, "batch", "command", "")
TOPICS = [BASE + kind for kind in KINDS] + [
    "smartbin/v1/testsite/bin-002/deposit",
    "smartbin/v1/testsite/bin-999/deposit",
    "smartbin/v1/other/bin-001/deposit",
    "smartbin/v2/testsite/bin-001/deposit",
    "", "/", "////", "$SYS/broker/uptime", "smartbin/v1/testsite/bin-001/deposit/",
    "smartbin/v1/testsite/\u0000/deposit", "smartbin/v1/testsite/箱/deposit",
]  # fmt: skip
WORDS = [
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\ud800", b"\\u0000", b"null", b"true",
    b"NaN", b"-0", b"1e999", b"-1", b"9" * 30, b"9" * 4400, b"0.5", b"[" * 3000, b'{"a":' * 3000,
    b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00", b"\x1b[2J", b"\r\n", "厨余".encode(),
    b'"kind"', b'"events"', b'"at"', b'"seq"', b'"door"', b'"kitchen"', b'"levels"',
    b'"2026-11-01T00:00:00Z"', b'"2026-02-31T00:00:00+08:00"', b'"9999-12-31T23:59:60-99:99"',
    b'"0000-00-00T24:00:00Z"', b'"level_pct"', b'"distance_mm"', b'"fault"', b'"state":"offline"',
    b"__proto__", b"'; DROP TABLE deposit; --", b'"account":"=cmd"',
]  # fmt: skip
GOOD = [payload.encode() for _, payload, _ in EXAMPLES]


def hold(topic: str, payload: bytes) -> None:
    """What the gateway relies on, whatever came."""
    is_last_will(payload)  # asked of what is retained, before anything else is known of it
    decoded = DECODER.decode(topic, payload, NOW_US)
    assert decoded.facts or decoded.rejected, "neither kept nor refused is lost"
    for fact in decoded.facts:
        assert fact.device in ("bin-001", "bin-002", "point-01")
        assert EARLIEST_US <= fact.at_us <= NOW_US + MAX_AHEAD_US
        for value in (getattr(fact, name, 0) for name in ("weight_g", "gross_g", "tare_g", "seq")):
            assert value is None or (type(value) is int and 0 <= value < 2**63)
    for refused in decoded.rejected:
        assert refused.reason in REASONS
        line = _line("0" * 16, refused)
        whole = refused.reason not in UNREADABLE  # which nobody can replay
        kept = refused.payload if whole else refused.payload[:UNREADABLE_BYTES_MAX]
        assert QuarantinedMessage.of(line).rejected.payload == kept
        assert line.count("\n") == 1
        assert "\x1b" not in line, "a terminal that shows it is not driven by it"
        again = DECODER.decode(refused.topic, refused.payload, NOW_US)
        assert [r.reason for r in again.rejected] == [refused.reason], "a replay says the same"


def test_no_input_is_lost_or_ends_the_gateway() -> None:
    chance = random.Random(SEED)
    for _ in range(INPUTS):
        topic, payload = chance.choice(TOPICS), mutated(GOOD, WORDS, chance)
        try:
            hold(topic, payload)
        except BaseException as error:
            error.add_note(f"seed {SEED}: {topic!r} {payload!r}")
            raise


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
at = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | json_values
fields = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(KINDS) | json_values,
        "at": at,
        "seq": st.integers(-5, 2**70) | json_values,
        "door": st.sampled_from(["kitchen", "residual", "attic"]) | json_values,
        "weight_g": st.integers(-5, 2**70) | json_values,
        "gross_g": json_values,
        "tare_g": json_values,
        "state": st.sampled_from(["online", "offline", "asleep"]) | json_values,
        "type": st.sampled_from(["fire", "flood"]) | json_values,
        "active": json_values,
        "account": json_values,
        "levels": st.lists(
            st.dictionaries(
                st.sampled_from(["door", "level_pct", "distance_mm", "fault"]), json_values
            ),
            max_size=3,
        )
        | json_values,
    },
)
events = st.lists(fields | json_values, max_size=4).map(lambda events: {"events": events})


@settings(max_examples=max(200, INPUTS // 40), deadline=None)
@given(topic=st.sampled_from(TOPICS), body=fields | events | json_values)
def test_nor_does_any_json(topic: str, body: object) -> None:
    hold(topic, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("status", b"[" * 50_000),
        ("status", b'{"state":"offline","x":' + b"[" * 3_000),
        ("batch", b"[" * 50_000),
        ("batch", b'{"events":[{"kind":"deposit","door":"\\ud800"}]}'),
        ("batch", b'{"events":[{"kind":["deposit"]},{"kind":{}},null]}'),
        ("batch", '{"events":[{"kind":"status","state":"offline"}]}'.encode("utf-16")),
        ("deposit", b"9" * 5_000),
    ],
)
def test_what_once_ended_a_gateway_or_nearly_did(kind: str, payload: bytes) -> None:
    hold(BASE + kind, payload)


def test_the_document_names_every_reason() -> None:
    page = (ROOT / "docs/wire-format.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[a-z_0-9]+` ?)+) \|", page, re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(REASONS) - {"flood", "store_refused"} <= named
