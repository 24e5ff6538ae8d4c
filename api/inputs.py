"""What callers may send, stricter than pydantic's own types: a number is not a time, ``0`` is no
``false``, and no text carries what a terminal, a log or a database would choke on.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Annotated, Any

from fastapi import Path
from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool
from pydantic_core import PydanticCustomError

# SQLite's and PostgreSQL's largest whole number.
NUMBER_MAX = 2**63 - 1
# Without control characters; lines only where people write notes.
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# The calendar's first and last days have no date in some zone; a clock that was never set has.
_YEAR = r"[1-8]\d{3}"
_MOMENT = re.compile(_YEAR + r"-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def plain(text: str) -> str:
    """What a person typed, without blanks around it; full-width digits and letters, which Chinese
    input methods write, become the usual ones.
    """
    return unicodedata.normalize("NFKC", text).strip()


def _written(value: Any, pattern: re.Pattern[str], kind: str, message: str) -> Any:
    """Pydantic would also take 1700000000 for a day or a time."""
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise PydanticCustomError(kind, message)


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    return _written(value, _DAY, "date_form", "input is not a day")


def _moment(value: Any) -> Any:
    return _written(value, _MOMENT, "datetime_form", "input is not a time with an offset")


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    Field(json_schema_extra={"pattern": f"^{_YEAR}-"}),
]
OneLine = Annotated[str, Field(pattern=ONE_LINE)]
Lines = Annotated[str, Field(pattern=LINES)]
# Behind a StrictInt and its bounds: 5.0 is a whole number in JSON, true and "5" are none.
WHOLE = BeforeValidator(_whole)
Flag = StrictBool
AccountPath = Annotated[str, Path(max_length=64, pattern=ONE_LINE, examples=["12345677"])]
NumberPath = Annotated[int, Path(ge=1, le=NUMBER_MAX, examples=[4711])]
