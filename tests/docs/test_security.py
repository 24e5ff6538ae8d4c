"""docs/security.md names tests that exist, and every chapter of ASVS 5.0."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs/security.md").read_text(encoding="utf-8")
CHAPTERS = 17


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", DOC)
    assert len(named) > 40
    for file, function in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {function}" in text, f"{file}::{function}"


def test_every_chapter_says_how_it_stands_and_by_what() -> None:
    table = DOC.partition("## OWASP ASVS")[2]
    rows = re.findall(r"^\| V(\d+) [^|]+\| (met|partly|n/a)[^|]*\| (.*)\|$", table, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, CHAPTERS + 1))
    assert all("`tests/" in shown for _, state, shown in rows if state != "n/a")
