"""Requests that callers named: repeating one is answered as the first time and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection, insert, select

from smartbin.core.errors import Conflict, ConstraintViolated
from smartbin.database.tables import request

Answer = TypeVar("Answer", bound=BaseModel)
REQUEST_ID_PATTERN = r"^[A-Za-z0-9_-]{8,64}$"


@contextmanager
def named_request() -> Iterator[None]:
    """Around a transaction that locks its account before ``once``: only the same id for another
    account at the same time stands against it then, and is a Conflict.
    """
    try:
        yield
    except ConstraintViolated as error:
        said = "request_id: used at this moment for another request; make a new one"
        raise Conflict("request-reused", said) from error


def once(
    db: Connection,
    request_id: str,
    content: Mapping[str, Any],
    now_us: int,
    kind: type[Answer],
    act: Callable[[], Answer],
) -> Answer:
    """The answer of ``act``, made once for a request id and kept in the same transaction.

    Raises Conflict when the id was used for another content. Two at once with one id must wait
    for each other before they come here (they lock the account); the id's uniqueness is the rest.
    A field that ``kind`` gains needs a default: answers kept before it are read too.
    """
    said = json.dumps(content, ensure_ascii=False, sort_keys=True)
    found = db.execute(select(request).where(request.c.id == request_id)).first()
    if found is not None:
        if found.content != said:
            raise Conflict(
                "request-reused",
                f"request_id: {request_id!r} was used for another request; make a new one",
            )
        return kind.model_validate_json(found.answer)
    answer = act()
    kept = answer.model_dump_json()
    row = {"id": request_id, "content": said, "answer": kept, "made_us": now_us}
    db.execute(insert(request).values(row))
    return answer
