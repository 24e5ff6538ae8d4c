"""The OpenAPI document's examples are answers that a running site gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from smartbin.places.load import load
from tests.real import ROOT

DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
READS = {path: entry["get"] for path, entry in DOCUMENT["paths"].items() if "get" in entry}
SITE = load(ROOT / "deploy/xinbei")
KNOWN = {"device": SITE.devices, "community": {**SITE.communities, **SITE.devices, "xinbei": None}}


def named(value: Any) -> Iterator[tuple[str, str]]:
    """Every place that an example names."""
    if isinstance(value, list):
        for each in value:
            yield from named(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in KNOWN and isinstance(each, str):
                yield key, each
            yield from named(each)


@pytest.mark.parametrize("path", READS)
def test_every_answer_has_an_example_that_is_one(path: str) -> None:
    content = READS[path]["responses"]["200"].get("content", {}).get("application/json")
    if content is None:
        return
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(content["example"])
    for key, place in named(content["example"]):
        assert place in KNOWN[key], (key, place)


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_every_parameter_and_body_has_an_example(path: str) -> None:
    for operation in DOCUMENT["paths"][path].values():
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            examples = [parameter["example"]] if "example" in parameter else []
            examples += [e["value"] for e in parameter.get("examples", {}).values()]
            examples += schema.get("examples", [])
            assert examples, (path, parameter["name"])
            check = jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})
            for example in examples:
                check.validate(example)
