"""Rows of lists of facts, in JSON and CSV, from the facts' own columns."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, create_model

from smartbin.facts.columns import stored

M = TypeVar("M", bound=BaseModel)
_NOT_SHOWN = {"at_us", "seq"}  # the row has ``at``, in the site's zone


def columns_of(fact: type[Any]) -> Any:
    """A model to derive a row from: ``at``, then each column that telemetry keeps."""
    shown = [column for column in stored(fact) if column.name not in _NOT_SHOWN]
    fields: dict[str, Any] = {
        column.name: (column.value_type | None if column.optional else column.value_type, ...)
        for column in shown
    }
    return create_model(f"{fact.__name__}Columns", at=(datetime, ...), **fields)


def row_of(model: type[M], fact: Any, at: datetime) -> M:
    """The row of a fact: each field is the fact's attribute of that name."""
    return model(
        at=at, **{name: getattr(fact, name) for name in model.model_fields if name != "at"}
    )
