"""Compare two OpenAPI documents by what a client relies on.

Usage: python tools/compare_openapi.py OLD NEW [--allow NAME ...]

Compared are operations (method and path), their parameters, the fields of bodies and answers, and
statuses. Names of components, order and prose are ignored. Prints what was added, removed and
changed; exits 1 when something was removed or changed that no --allow covers.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")
PROSE = frozenset({"title", "description", "example", "examples", "summary"})
# Changes that a release announces, each with the lines that it covers.
ALLOWED = {
    "paging": re.compile(
        r" (query (before|after|skip|cursor|limit)"
        r"|\d+ \S+: (next(_before|_after|_skip)?|truncated))(:|$)"
    ),
    "may": re.compile(r"/session \d+ \S+: may(:|\[|$)"),
    "volume": re.compile(r"volume_ml(:|$)"),
}

Facts = Mapping[str, str]


def facts_of(document: Mapping[str, Any]) -> Facts:
    """What the document promises, a line for each promise, and its type or value."""
    found: dict[str, str] = {}
    for path, entry in document["paths"].items():
        for method in METHODS:
            if method in entry:
                name = f"{method.upper()} {path}"
                found[name] = "operation"
                found.update(
                    (f"{name} {what}", kind) for what, kind in _of(document, entry[method])
                )
    return found


def _of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for parameter in operation.get("parameters", ()):
        needed = "required " if parameter.get("required") else ""
        for field, kind in _fields(document, parameter["schema"], ""):
            yield f"{parameter['in']} {parameter['name']}{field}", needed + kind
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        for field, kind in _fields(document, content.get("schema", {}), ""):
            yield f"body {media}: {field.removeprefix('.')}", kind
    for status, answer in operation["responses"].items():
        yield f"{status}", "status"
        for media, content in answer.get("content", {}).items():
            for field, kind in _fields(document, content.get("schema", {}), ""):
                yield f"{status} {media}: {field.removeprefix('.')}", kind


def _fields(
    document: Mapping[str, Any], schema: Mapping[str, Any], at: str, seen: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """Every field below a schema, by its path, with its type and bounds."""
    reference = schema.get("$ref")
    if reference in seen:
        yield at, "recursive"
        return
    if reference is not None:
        schema, seen = _resolved(document, reference), (*seen, reference)
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    own = {
        key: value
        for key, value in schema.items()
        if key not in PROSE | {"properties", "items", "anyOf", "oneOf", "allOf", "required"}
        and not isinstance(value, dict)
    }
    inner = [_own(document, branch) for branch in branches]
    yield at, json.dumps({**own, "any": sorted(inner)} if inner else own, sort_keys=True)
    needed = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        for path, kind in _fields(document, field, f"{at}.{name}", seen):
            yield path, f"required {kind}" if path == f"{at}.{name}" and name in needed else kind
    values = schema.get("additionalProperties")
    for below, mark in ((schema.get("items"), "[]"), (values, "{}")):
        if isinstance(below, dict):
            yield from _fields(document, below, at + mark, seen)
    for branch in branches:
        below_branch = list(_fields(document, branch, at, seen))
        yield from ((path, kind) for path, kind in below_branch if path != at)


def _own(document: Mapping[str, Any], branch: Mapping[str, Any]) -> str:
    if "$ref" in branch:
        branch = _resolved(document, branch["$ref"])
    kept = {k: v for k, v in branch.items() if k not in PROSE and not isinstance(v, dict | list)}
    return json.dumps({**kept, "enum": branch.get("enum")}, sort_keys=True)


def _resolved(document: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def compared(old: Facts, new: Facts) -> Iterator[tuple[str, str]]:
    """Each difference with its kind: added, removed or changed. Of an operation that is new or
    gone only the operation is named.
    """
    whole = {
        name for name in old.keys() ^ new.keys() if "operation" in (old.get(name), new.get(name))
    }
    for name in sorted(old.keys() | new.keys()):
        if name not in whole and " ".join(name.split(" ")[:2]) in whole:
            continue
        if name not in old:
            # A parameter or a field of a body that every caller must now send breaks callers.
            forced = new[name].startswith("required") and " 2" not in name
            yield ("changed" if forced and name not in whole else "added"), name
        elif name not in new:
            yield "removed", name
        elif old[name] != new[name]:
            yield "changed", f"{name}: {old[name]} -> {new[name]}"


def main(arguments: list[str]) -> int:
    """Print the differences; 1 when one of them breaks clients and is not allowed."""
    parser = argparse.ArgumentParser(description="Compare two OpenAPI documents.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--allow", nargs="*", default=[], choices=sorted(ALLOWED))
    given = parser.parse_args(arguments)
    old, new = (facts_of(json.loads(path.read_text("utf-8"))) for path in (given.old, given.new))
    breaking = 0
    for kind, line in compared(old, new):
        allowed = next((name for name in given.allow if ALLOWED[name].search(line)), None)
        breaking += kind != "added" and allowed is None
        print(f"{kind:8}{line}{f'  (allowed: {allowed})' if allowed else ''}")
    same = len([name for name in old if new.get(name) == old[name]])
    print(f"{same} of {len(old)} promises are the same; {breaking} broken without being allowed")
    return 1 if breaking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
