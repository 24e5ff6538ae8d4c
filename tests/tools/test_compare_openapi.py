"""The comparison of OpenAPI documents finds what would break a client, and nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.real import ROOT
from tools import compare_openapi


@pytest.fixture
def document() -> Any:
    return json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))


def verdict(tmp_path: Path, old: Any, new: Any, *allow: str) -> int:
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, content in zip(paths, (old, new), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    return compare_openapi.main([*map(str, paths), *(["--allow", *allow] if allow else [])])


def test_prose_and_names_of_components_are_no_difference(tmp_path: Path, document: Any) -> None:
    renamed = json.loads(json.dumps(document).replace("RoundOut", "AnyOtherName"))
    renamed["paths"]["/api/v1/rounds"]["get"]["summary"] = "Another sentence."
    assert verdict(tmp_path, document, renamed) == 0


def test_what_is_added_breaks_nobody(tmp_path: Path, document: Any) -> None:
    less = copy.deepcopy(document)
    del less["paths"]["/api/v1/tariff"]
    less["components"]["schemas"]["RoundOut"]["properties"].pop("crew")
    assert verdict(tmp_path, less, document) == 0
    assert verdict(tmp_path, document, less) == 1


@pytest.mark.parametrize("part", ["parameter", "status", "field", "type", "bound"])
def test_what_is_removed_or_changed_breaks_clients(
    tmp_path: Path, document: Any, part: str
) -> None:
    new = copy.deepcopy(document)
    rounds = new["paths"]["/api/v1/rounds"]["get"]
    fields = new["components"]["schemas"]["RoundOut"]["properties"]
    if part == "parameter":
        rounds["parameters"].pop()
    elif part == "status":
        rounds["responses"].pop("403")
    elif part == "field":
        fields.pop("crew")
    elif part == "type":
        fields["crew"]["type"] = "integer"
    else:
        rounds["parameters"][-1]["schema"]["maximum"] = 1
    assert verdict(tmp_path, document, new) == 1


def test_a_change_may_be_allowed_by_name(tmp_path: Path, document: Any) -> None:
    old = copy.deepcopy(document)
    schema = old["components"]["schemas"]["RoundsOut"]
    schema["properties"]["next_before"] = {"type": "string"}
    new = copy.deepcopy(old)
    del new["components"]["schemas"]["RoundsOut"]["properties"]["next_before"]
    assert verdict(tmp_path, old, new) == 1
    assert verdict(tmp_path, old, new, "paging") == 0
    assert verdict(tmp_path, old, new, "may") == 1
