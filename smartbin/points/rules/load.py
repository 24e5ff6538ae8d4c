"""A tariff file (TOML) -> Tariffs, or every mistake as a sentence with its table and remedy."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from smartbin.core.errors import BadInput
from smartbin.points.rules.tariff import Campaign, PointRate, Rules, Tariff, Tariffs

BYTES_MAX = 1024 * 1024
_KNOWN: dict[str, type[BaseModel]] = {
    "tariff": Tariff,
    "campaign": Campaign,
    "household": Rules,
    "enterprise": Rules,
    "kitchen": PointRate,
    "recyclable": PointRate,
    "hazardous": PointRate,
    "residual": PointRate,
}


class _File(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    tariff: list[Tariff] = Field(min_length=1, max_length=100)
    campaign: list[Campaign] = Field(default=[], max_length=200)


def load_tariffs(path: Path, communities: Collection[str] | None = None) -> Tariffs:
    """The tariffs and campaigns of a file. Raises BadInput, one sentence a line, each with the
    table, the field, the reason and the remedy; also for a campaign's community that is not one of
    ``communities``, where they are known: it would give nobody anything.
    """
    text = _text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path.name}: is not TOML ({error}); mend that line") from None
    try:
        file = _File.model_validate(tables)
    except ValidationError as error:
        lines = _Lines(text)
        found = [_sentence(path.name, lines, e) for e in error.errors()]
        raise BadInput("\n".join(dict.fromkeys(found))) from None
    firsts = [tariff.first for tariff in file.tariff]
    twice = sorted({str(first) for first in firsts if firsts.count(first) > 1})
    if twice:
        raise BadInput(
            f"{path.name}: two tariffs begin on {', '.join(twice)}; give each a 'from' of its own"
        )
    if communities is not None:
        _check_communities(path.name, _Lines(text), file.campaign, communities)
    return Tariffs(file.tariff, file.campaign)


def _check_communities(
    name: str, lines: _Lines, campaigns: Sequence[Campaign], known: Collection[str]
) -> None:
    found = []
    for n, campaign in enumerate(campaigns):
        number = lines.of(("campaign", n, "communities"))
        for community in campaign.communities:
            if community not in known:
                near = difflib.get_close_matches(community, known)
                hint = f"did you mean {near[0]}?" if near else "use an id of communities.csv"
                what = f"is {_shown(community)}, which is not in the registry; {hint}"
                found.append(f"{name}:{number}: [campaign {n + 1}] communities {what}")
    if found:
        raise BadInput("\n".join(found))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); put the tariff there") from None
    if len(content) > BYTES_MAX:
        raise BadInput(f"{path.name}: is over 1 MiB; this is not a tariff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name}: is not UTF-8 (byte {error.start}); save it again") from None


class _Lines:
    """Where the tables and fields of a TOML file stand."""

    def __init__(self, text: str) -> None:
        self._at: dict[tuple[str, ...], int] = {}
        count = {"tariff": -1, "campaign": -1}
        table: tuple[str, ...] = ()
        for number, line in enumerate(text.splitlines(), 1):
            if head := re.match(r"\s*\[+\s*([\w.\s]+?)\s*\]", line):
                name, *rest = re.split(r"\s*\.\s*", head[1])
                if line.lstrip().startswith("[[") and name in count and not rest:
                    count[name] += 1
                table = (name, str(count.get(name, 0)), *rest)
                self._at.setdefault(table, number)
            elif field := re.match(r"\s*([\w-]+)\s*=", line):
                self._at.setdefault((*table, field[1]), number)

    def of(self, loc: Sequence[str | int]) -> int | None:
        """The line of a field or table, or of the nearest table around it."""
        path = tuple(str(part) for part in loc)
        while path:
            for known, number in self._at.items():
                if known[: len(path)] == path:
                    return number
            path = path[:-1]
        return None


def _sentence(name: str, lines: _Lines, error: ErrorDetails) -> str:
    number = lines.of(error["loc"])
    where = f"{name}:{number}" if number else name
    return f"{where}: {_place(error)} {_reason(error)}"


def _place(error: ErrorDetails) -> str:
    """``("tariff", 0, "household", "kitchen", "kg_points")`` as a person would say it."""
    words = [str(part + 1) if isinstance(part, int) else part for part in error["loc"]]
    if isinstance(error["loc"][-1], int) and len(words) > 2:
        words.pop()  # which word of a list: the sentence shows it
    if error["type"] in ("value_error", "model_type") or len(words) == 2:
        return f"[{' '.join(words)}]"
    *table, field = words
    return f"[{' '.join(table)}] {field}" if table else field


def _reason(error: ErrorDetails) -> str:
    kind, limits, given = error["type"], error.get("ctx", {}), _shown(error["input"])
    known = sorted(_fields(error["loc"]))
    match kind:
        case "extra_forbidden":
            near = difflib.get_close_matches(str(error["loc"][-1]), known)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            return f"is unknown; {hint}"
        case "missing":
            return "is missing; add it"
        case "int_type":
            return f"is {given}; write a whole number without quotes or point"
        case "date_type":
            return f"is {given}; write a date without quotes or time, as 2027-01-01"
        case "greater_than_equal":
            return f"is {given}; give at least {limits['ge']}"
        case "less_than_equal":
            return f"is {given}; give at most {limits['le']}"
        case "enum":
            return f"is {given}; use {limits['expected'].replace(' or ', ', ')}"
        case "value_error":
            return str(limits["error"])
        case "list_type":
            return f"is {given}; write it as a list"
        case "model_type":
            return f"is {given}; write it as a table, as in the shipped tariff.toml"
        case _:
            return f"is {given} ({error['msg'][0].lower()}{error['msg'][1:]}); mend it"


def _fields(loc: Sequence[str | int]) -> set[str]:
    """What may stand where an unknown field stands."""
    around = next((str(part) for part in reversed(loc[:-1]) if isinstance(part, str)), "")
    model = _KNOWN.get(around, _File)
    return {field.alias or name for name, field in model.model_fields.items()}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
