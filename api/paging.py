"""Pages of long lists. An answer's ``next``, sent as ``cursor``, continues after its last row.

A cursor is opaque: the position of the last row by its key, never a count of rows, so that what is
added meanwhile moves nothing. It belongs to one list and its filters, and is refused elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import Field, TypeAdapter, ValidationError

from api.errors import Problem
from api.inputs import NUMBER_MAX, ONE_LINE

VERSION = 1
CURSOR_MAX = 512
# They choose how much is answered and how, not which rows there are.
NOT_FILTERS = frozenset({"cursor", "limit", "format"})
# Rows of one instant that are read besides a page's; where there are more, more are read.
SAME_INSTANT = 16

Whole = Annotated[int, Field(ge=0, lt=NUMBER_MAX)]
Text = Annotated[str, Field(max_length=128, pattern=ONE_LINE)]
Next = Annotated[
    str | None, Field(description="`cursor` of the next page; null after the last", examples=[None])
]


class IdPosition(NamedTuple):
    """A row by its number."""

    id: Whole


class NamePosition(NamedTuple):
    """A row by its name."""

    name: Text


class TimePosition(NamedTuple):
    """A row by its instant, in microseconds UTC, and its name."""

    at_us: Whole
    name: Text


class FactPosition(NamedTuple):
    """A fact, or what is made of facts, by its instant and its door."""

    at_us: Whole
    device: Text
    door: Text


class NumberedPosition(NamedTuple):
    """A row that has no key of its own: its instant, its kind, and its number among those."""

    at_us: Whole
    kind: Text
    number: Whole


P = TypeVar("P", bound=tuple[Any, ...])
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Paging(Generic[P]):
    """Where the page begins: ``after`` the position of a row, or at the first row. ``of`` is the
    address of the list with its filters, ``address`` that of this page without its cursor.
    """

    after: P | None
    of: str
    address: str

    def cut(
        self, rows: Sequence[Row], limit: int, position: Callable[[Row], P]
    ) -> tuple[Sequence[Row], str | None]:
        """The page, and its ``next``; ``rows`` begin after the position and go on beyond the limit
        where there are more.
        """
        page = rows[:limit]
        return page, self.cursor(position(page[-1])) if len(rows) > limit else None

    def cursor(self, position: P) -> str:
        """The cursor that continues after a position in this list."""
        text = json.dumps([VERSION, _mark(self.of), position], separators=(",", ":"))
        return _encoded(text.encode())

    def link(self, following: str | None) -> dict[str, str]:
        """The header (RFC 8288) in which a table names its next page; none after the last."""
        if following is None:
            return {}
        joint = "&" if "?" in self.address else "?"
        return {"Link": f'<{self.address}{joint}cursor={following}>; rel="next"'}


class CursorOf(Generic[P]):
    """A dependency that reads the cursor of a list whose rows have positions of one type. Raises
    the problem 422 when it was not made by this list with these filters.
    """

    def __init__(self, position: type[P]) -> None:
        content: Any = tuple[Literal[1], str, position]  # type: ignore[valid-type]
        self._content: TypeAdapter[tuple[int, str, P]] = TypeAdapter(content)

    def __call__(
        self,
        request: Request,
        cursor: Annotated[
            str | None,
            Query(
                max_length=CURSOR_MAX,
                pattern=r"^[A-Za-z0-9_-]+$",
                description="continue: `next` of the last page, with the same filters",
            ),
        ] = None,
    ) -> Paging[P]:
        """Where the page begins."""
        of = _address(request, NOT_FILTERS)
        after = None if cursor is None else self._read(cursor, of)
        return Paging(after, of, _address(request, frozenset({"cursor"})))

    def _read(self, cursor: str, of: str) -> P:
        try:
            _, mark, position = self._content.validate_json(_decoded(cursor), strict=True)
        except (ValidationError, ValueError):
            raise _refused("is not a cursor of this list") from None
        if mark != _mark(of):
            raise _refused("is of another list or other filters")
        return position


def numbered(
    rows: Sequence[Row], at_us: Callable[[Row], int], kind: Callable[[Row], str]
) -> list[tuple[NumberedPosition, Row]]:
    """Rows in their order, each with its position; rows of one instant and kind are numbered."""
    counts: dict[Hashable, int] = {}
    found = []
    for row in rows:
        key = at_us(row), kind(row)
        counts[key] = counts.get(key, -1) + 1
        found.append((NumberedPosition(*key, counts[key]), row))
    return found


def read_after(
    read: Callable[[int, int], Sequence[Row]],
    order: Callable[[Row], tuple[Any, ...]],
    end_us: int,
    after: FactPosition | None,
    wanted: int,
) -> list[Row]:
    """At least ``wanted`` rows after a position, or all there are. ``read`` answers rows before an
    instant, newest first, at most this many; ``order`` is their order: (-at_us, device, door).
    """
    if after is None:
        return list(read(end_us, wanted))
    first = -after.at_us, after.device, after.door
    end_us, spare = min(end_us, after.at_us + 1), SAME_INSTANT
    while True:
        rows = read(end_us, wanted + spare)
        left = [row for row in rows if order(row) > first]
        if len(left) >= wanted or len(rows) < wanted + spare:
            return left
        spare *= 4


def _address(request: Request, without: frozenset[str]) -> str:
    items = request.query_params.multi_items()
    kept = sorted((name, value) for name, value in items if name not in without)
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")


def _mark(of: str) -> str:
    return _encoded(hashlib.sha256(of.encode()).digest()[:9])


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(cursor: str) -> bytes:
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if _encoded(content) != cursor:  # the decoder passes over what it does not know
        raise ValueError("no base64")
    return content


def _refused(why: str) -> Problem:
    detail = f"cursor: {why}; leave it out to begin at the first page"
    return Problem(422, "bad-input", detail, parameter="cursor")
