"""Every error leaves as problem details (RFC 9457): what went wrong, at which parameter, and what
to do about it. Never a traceback.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.headers import SECURITY_HEADERS
from smartbin.core.errors import (
    BadInput,
    Conflict,
    ConstraintViolated,
    NotFound,
    Refused,
    StoreRefused,
    StoreUnavailable,
    UnknownPlace,
)

LOG = logging.getLogger("api")
RETRY_AFTER_S = 5
MEDIA_TYPE = "application/problem+json"


class InputFault(BaseModel):
    """One thing wrong with what was sent."""

    parameter: str = Field(examples=["to"])
    location: str = Field(examples=["query"])
    detail: str = Field(examples=["input should be a valid date; write it as 2026-11-23"])


class ProblemDetails(BaseModel):
    """The body of every error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:smartbin:problem:unknown-place"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(
        examples=["community: 'yicheng' is not in the registry; did you mean yicheng-haoting?"]
    )
    instance: str = Field(examples=["/api/v1/communities/yicheng"])
    parameter: str | None = Field(default=None, examples=["community"])
    nearest: list[str] | None = Field(default=None, examples=[["yicheng-haoting"]])
    errors: list[InputFault] | None = None


class Problem(Exception):
    """An error a handler wants the caller to see. ``kind`` names it for programs, ``detail`` says
    in one sentence the reason and the remedy, ``parameter`` names what to change.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        parameter: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.more = {"parameter": parameter, **more}
        self.headers = dict(headers or {})


def respond(request: Request, problem: Problem) -> Response:
    """The problem as a response."""
    body = {
        "type": f"urn:smartbin:problem:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
        **{name: value for name, value in problem.more.items() if value is not None},
    }
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", **problem.headers}
    return JSONResponse(body, problem.status, headers, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries of the problems an endpoint may answer with, besides those that follow from
    its shape (api/openapi.py adds them).
    """
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Teach the application to answer every error with problem details."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return respond(request, error)

    @app.exception_handler(UnknownPlace)
    async def _unknown(request: Request, error: UnknownPlace) -> Response:
        nearest = list(error.nearest) or None
        hint = "" if nearest else "; GET /api/v1/site lists what there is"
        return respond(
            request,
            Problem(404, "unknown-place", f"{error}{hint}", parameter=error.field, nearest=nearest),
        )

    @app.exception_handler(BadInput)
    async def _bad(request: Request, error: BadInput) -> Response:
        said = str(error).removeprefix("--")  # a command's option and a field are called alike
        return respond(request, Problem(422, "bad-input", said, parameter=_named(said)))

    @app.exception_handler(NotFound)
    @app.exception_handler(Conflict)
    async def _cannot(request: Request, error: Refused) -> Response:
        status = 404 if isinstance(error, NotFound) else 409
        more: dict[str, Any] = {"parameter": _named(str(error)), **error.more}
        return respond(request, Problem(status, error.kind, str(error), **more))

    @app.exception_handler(ConstraintViolated)
    async def _constraint(request: Request, error: ConstraintViolated) -> Response:
        LOG.warning("another row stands against it at %s: %s", request.url.path, error)
        detail = "another request kept the same at this moment; look again, then repeat"
        return respond(request, Problem(409, "conflict", detail))

    @app.exception_handler(StoreRefused)
    async def _refused(request: Request, error: StoreRefused) -> Response:
        # The reason holds the statement and its values: for the log alone.
        LOG.warning("a value that a store does not take at %s: %s", request.url.path, error)
        detail = "one of the values cannot be stored; see /docs for the accepted range"
        return respond(request, Problem(422, "bad-input", detail))

    @app.exception_handler(StoreUnavailable)
    async def _unavailable(request: Request, error: StoreUnavailable) -> Response:
        LOG.warning("a store does not answer: %s", error)
        return respond(request, unavailable())

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return respond(request, _of_validation(error.errors()))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return respond(request, _of_http(request, error))

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> Response:
        LOG.error("unexpected error at %s", request.url.path, exc_info=error)
        detail = "the server failed to answer; it is logged: repeat later or tell the operator"
        return respond(request, Problem(500, "internal", detail))


class TooLargeAsProblem:
    """FastAPI answers a body that declares too great a length outside every handler, in plain text;
    this says the same as the problem it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        replaced = False

        async def shaped(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 413:
                plain = Headers(raw=message["headers"]).get("content-type", "")
                replaced = plain.startswith("text/plain")
                if replaced:
                    request = Request(scope)
                    await respond(request, _of_http(request, HTTPException(413)))(
                        scope, receive, send
                    )
            if not replaced:
                await send(message)

        await self.app(scope, receive, shaped)


def unavailable() -> Problem:
    """The problem of a store that does not answer now."""
    return Problem(
        503,
        "store-unavailable",
        f"a store does not answer now; repeat in {RETRY_AFTER_S} seconds",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _named(said: str) -> str | None:
    """The field that a sentence of ours begins with."""
    named = re.match(r"(\w+): ", said)
    return named[1] if named else None


def _of_validation(errors: Sequence[Any]) -> Problem:
    faults = [_fault(error) for error in errors]
    first = faults[0]
    return Problem(
        422,
        "bad-input",
        f"{first['parameter']}: {first['detail']}",
        parameter=first["parameter"],
        errors=faults,
    )


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    location, *names = [str(part) for part in error["loc"]]
    kind, message = str(error["type"]), str(error["msg"]).removeprefix("Value error, ")
    if kind == "json_invalid":
        message, names = f"no JSON from character {names[0]} on ({error['ctx']['error']})", []
    message = message[:1].lower() + message[1:]
    remedy = next(
        (r for start, r in _REMEDIES if kind.startswith(start)), "/docs says what it takes"
    )
    return {
        "parameter": ".".join(names) or location,
        "location": location,
        "detail": f"{message}; {remedy}",
    }


_REMEDIES = (
    ("missing", "send it"),
    ("datetime", "write it as 2026-11-23T18:32:05+08:00"),
    ("timezone", "write it as 2026-11-23T18:32:05+08:00"),
    ("date", "write it as 2026-11-23"),
    ("int", "send a whole number"),
    ("bool", "send true or false"),
    ("uuid", "send a UUID, as 5b1c0a52-6c1e-4a57-9a55-0d3c0f8f6f11"),
    ("string_pattern", "send nothing but the characters that it allows"),
    ("string_too_short", "fill it in"),
    ("too_long", "send fewer at a time"),
    ("too_short", "send at least one"),
    ("value_error", "see the examples at /docs"),
    ("json", "send JSON in UTF-8 with Content-Type: application/json"),
    ("model_attributes", "send a JSON object with Content-Type: application/json"),
    ("extra_forbidden", "leave it out"),
    ("enum", "choose one of them"),
    ("literal", "choose one of them"),
    ("greater", "choose a value within the bounds"),
    ("less", "choose a value within the bounds"),
    ("string_too_long", "shorten it"),
)

_DETAILS = {
    400: "body: is not JSON in UTF-8, or nested too deeply; send a JSON object",
    404: "{path} does not exist; /docs lists every address",
    405: "{method} is not possible at {path}; Allow lists what is",
    413: "the body is too large; send less at a time (/docs gives the bound)",
}


def _of_http(request: Request, error: HTTPException) -> Problem:
    template = _DETAILS.get(error.status_code, str(error.detail))
    detail = template.format(path=request.url.path, method=request.method)
    if error.status_code == 400:  # FastAPI's word for a body that it cannot read at all
        return Problem(422, "bad-input", detail, parameter="body")
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    if error.status_code == 405:  # the router names the methods of the first route that fits
        entry = request.app.openapi()["paths"].get(request.scope["route"].path, {})
        headers["Allow"] = ", ".join(method.upper() for method in entry) or headers["Allow"]
    return Problem(error.status_code, kind, detail, headers=headers)
