"""Requests that callers name: repeating one is answered as the first time and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from smartbin.core.errors import Conflict
from smartbin.database.tables import request

REQUEST_ID_PATTERN = r"^[A-Za-z0-9_-]{8,64}$"


def once(
    db: Connection,
    request_id: str,
    content: Mapping[str, Any],
    now_us: int,
    act: Callable[[], Mapping[str, Any]],
) -> dict[str, Any]:
    """The answer of ``act``, made once for a request id and kept in the same transaction.

    Raises Conflict when the id was used for another content. Two at once with one id must wait
    for each other before they come here (they lock the account); the id's uniqueness is the rest.
    """
    said = json.dumps(content, ensure_ascii=False, sort_keys=True)
    found = db.execute(select(request).where(request.c.id == request_id)).first()
    if found is not None:
        if found.content != said:
            raise Conflict(
                "request-reused",
                f"request_id: {request_id!r} was used for another request; make a new one",
            )
        return dict(json.loads(found.answer))
    answer = json.dumps(act(), ensure_ascii=False, sort_keys=True)
    row = {"id": request_id, "content": said, "answer": answer, "made_us": now_us}
    db.execute(insert(request).values(row))
    return dict(json.loads(answer))
