"""The examples of docs/wire-format.md are what the code does."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from enum import Enum
from pathlib import Path

import pytest

from smartbin.facts.events import Fact
from smartbin.facts.wire import Decoded, Decoder
from tests.places.small import small_registry

RECEIVED_AT_US = 1_763_900_000_000_000  # 2025-11-23T20:13:20+08:00
DOC = Path(__file__).parents[2] / "docs" / "wire-format.md"
EXAMPLE = re.compile(r"^topic `([^`]+)`\n```json\n(.*?)```\n```facts\n(.*?)```", re.M | re.S)
EXAMPLES = EXAMPLE.findall(DOC.read_text(encoding="utf-8"))


def written(fact: Fact) -> str:
    parts = [type(fact).__name__, fact.device]
    if door := getattr(fact, "door", ""):
        parts.append(door)
    parts.append(str(fact.at_us))
    for field in fields(fact):
        value = getattr(fact, field.name)
        if field.name not in ("device", "door", "at_us") and value is not None:
            said = value.value if isinstance(value, Enum) else value
            parts.append(f"{field.name}={said}")
    return " ".join(parts)


def shown(decoded: Decoded) -> list[str]:
    refused = [f"Rejected {r.reason} {r.field}" for r in decoded.rejected]
    return [written(fact) for fact in decoded.facts] + refused


@pytest.mark.parametrize(("topic", "payload", "facts"), EXAMPLES)
def test_the_examples_decode_to_the_facts_beside_them(topic: str, payload: str, facts: str) -> None:
    decoded = Decoder(small_registry()).decode(topic, payload.encode(), RECEIVED_AT_US)
    assert shown(decoded) == facts.splitlines()


def test_the_document_has_an_example_of_every_kind_and_they_are_json() -> None:
    kinds = {topic.rpartition("/")[2] for topic, _, _ in EXAMPLES}
    assert kinds == {"fill", "deposit", "collection", "status", "alarm", "batch"}
    assert all(json.loads(payload) for _, payload, _ in EXAMPLES)
