"""``python -m tools.language``: turns of phrase to avoid, where a reader who did not write the code
meets them: strings and docstrings (they feed errors, OpenAPI and ``--help``) and the pages.

The list is CONTRIBUTING.md's. A match is a place to say it plainly, in the field's own words.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOMS = ("api/", "gateway/", "simulator/", "smartbin/", "tools/")
TURNS = {
    "the caller": r"\bwho(?:ever)? asks?\b",
    "is not a ...": r"(?<!here )\b(?:is|are|was|were) no (?!longer\b|more than\b|later\b|earlier\b|"
    r"less\b|fewer\b|one\b)[a-z]",
    "is not one, or there is none": r"\b(?:is|are|was|were) none (?:of\b|that\b)",
    "idempotent": r"\b(?:again|twice) is (?:once|nothing)\b|\bagain is\b",
    "without end": r"\bfor ever\b",
    "this many, a number": r"\bso many\b",
    "next to, besides": r"\bbeside\b",
    "the noun of the field": r"\bwhat (?:was|is|were|are) (?:told|kept|met|said|asked)\b",
    "no longer": r"\b(?:is|are|good|stands?|does|do|will|may) no more\b(?! than)",
    "because, since": r", for (?:it|they|he|she|we|nobody|who|whoever) ",
    "its": r"\b(?:one|some|told|made|asked|rest|all) of it\b",
}
_TURNS = {plain: re.compile(turn, re.IGNORECASE) for plain, turn in TURNS.items()}


class Find(NamedTuple):
    """A turn of phrase: where it stands, its words, and what to write in its place."""

    where: str
    words: str
    plain: str


def finds_in(where: str, text: str) -> Iterator[Find]:
    """Every turn in a text; white space counts as one blank, for lines are broken anywhere."""
    flat = " ".join(text.split())
    for plain, turn in _TURNS.items():
        for match in turn.finditer(flat):
            around = flat[max(0, match.start() - 40) : match.end() + 30]
            yield Find(where, around, plain)


def finds() -> Iterator[Find]:
    """Every turn in the strings of the code and in the pages."""
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        path = Path(name)
        if name.endswith(".py") and name.startswith(ROOMS) and path.name != "language.py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from finds_in(f"{name}:{node.lineno}", node.value)
        elif name.endswith(".md") and "/zh/" not in name and "zh-CN" not in name:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield from finds_in(f"{name}:{number}", line)


def main() -> int:
    """Print every turn; 1 when there is one."""
    found = list(finds())
    for find in found:
        sys.stdout.write(f"{find.where}: ...{find.words}...  ->  {find.plain}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
