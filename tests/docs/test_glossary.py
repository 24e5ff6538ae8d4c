"""docs/glossary.md names what the code names."""

from __future__ import annotations

import ast
import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

GLOSSARY = Path("docs/glossary.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$", re.MULTILINE)
ROWS = ROW.findall(GLOSSARY)


@pytest.mark.parametrize("name", [row[2] for row in ROWS])
def test_a_name_is_the_codes(name: str) -> None:
    module, found = name, None
    while found is None:
        try:
            found = import_module(module)
        except ModuleNotFoundError:
            assert "." in module, f"{name} names nothing"
            module = module.rpartition(".")[0]
    for part in name.removeprefix(module).split(".")[1:]:
        found = getattr(found, part)


def test_each_row_is_whole_and_each_thing_has_one_word() -> None:
    lines = [line for line in GLOSSARY.splitlines() if line.startswith("| ")][1:]
    assert len(ROWS) == len(lines) >= 60, "a row that the pattern does not read"
    for column in range(3):
        assert max(Counter(row[column] for row in ROWS).values()) == 1
    assert all(row[3].endswith(".") for row in ROWS)


def test_no_two_public_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for room in ("api", "gateway", "simulator", "smartbin"):
        for file in sorted(Path(room).rglob("*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(str(file))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
