"""Answers as tables (CSV that a spreadsheet opens with Chinese intact), and ETags."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smartbin.core.cells import safe_cell

ETAG_BODY_BYTES_MAX = 4 * 1024 * 1024
# When it was asked says nothing of what was answered; left in, no two answers were ever the same.
_ASKED_AT = re.compile(rb'"(?:as_of|age_s)":(?:"[^"]*"|\d+|null)')


class Format(StrEnum):
    """How a table is answered."""

    JSON = "json"
    CSV = "csv"


FormatQuery = Annotated[Format, Query(description="csv opens in a spreadsheet")]


def csv_response(
    columns: Iterable[str],
    rows: Iterable[Mapping[str, Any]],
    name: str,
    link: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Rows as CSV in UTF-8 with BOM, the header also when there are none; cells a spreadsheet
    would run are quoted. ``link`` is the header that names the next page.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns))
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return Response(
        out.getvalue().encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', **link},
    )


def model_csv(
    model: type[BaseModel],
    rows: Iterable[BaseModel],
    name: str,
    link: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Rows of one flat model as CSV, a column a field."""
    return csv_response(model.model_fields, (row.model_dump() for row in rows), name, link)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else safe_cell(value)


class ETags:
    """Names each JSON or CSV answer of a GET by its content, the instant of asking left out, and
    answers 304 to who has it. The name is weak: same figures, not the same bytes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].endswith("/live"):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()
        passing = False

        async def hold(message: Message) -> None:
            nonlocal start, passing
            if message["type"] == "http.response.start":
                start = message
                passing = message["status"] != 200
                if passing:
                    await send(message)
                return
            if passing or start is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body") and len(body) <= ETAG_BODY_BYTES_MAX:
                return
            passing = True
            if message.get("more_body"):  # too long to be held: as it comes
                await send(start)
                await send({**message, "body": bytes(body)})
                return
            await _answer(start, bytes(body), Headers(scope=scope), send)

        await self.app(scope, receive, hold)


def _named(etag: str, wanted: str) -> bool:
    """Whether If-None-Match names it; weak and strong names compare alike (RFC 9110, 8.8.3.2)."""
    names = (name.strip().removeprefix("W/") for name in wanted.split(","))
    return any(name in ("*", etag.removeprefix("W/")) for name in names)


async def _answer(start: Message, body: bytes, request: Headers, send: Send) -> None:
    etag = f'W/"{hashlib.sha256(_ASKED_AT.sub(b"", body)).hexdigest()[:24]}"'
    headers = MutableHeaders(scope=start)
    headers["ETag"] = etag
    if "cache-control" not in headers:
        headers["Cache-Control"] = "private, no-cache"
    if _named(etag, request.get("if-none-match", "")):
        del headers["content-length"]
        await send({**start, "status": 304})
        await send({"type": "http.response.body", "body": b""})
        return
    await send(start)
    await send({"type": "http.response.body", "body": body})
