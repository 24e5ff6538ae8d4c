"""The OpenAPI document, completed with what follows from the shape of every endpoint: who must
sign in, how it may fail, the table as CSV, and an example of what it answers.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from api.errors import ProblemDetails, documented

METHODS = ("get", "put", "post", "delete")
CHANGING = ("put", "post", "delete")
NOT_MODIFIED = {"description": "Not Modified: what `If-None-Match` names has not changed"}
TABLE = {"schema": {"type": "string"}}
# Answers as a running site gives them, cut to a row or two.
ANSWERS = Path(__file__).with_name("examples.json")
# What stands in paths and queries; the rest is said where the parameter is declared.
PARAMETERS: dict[str, Any] = {
    "account": "12345677",
    "by": "accuracy",
    "card": "K3f81c",
    "category": "kitchen",
    "collection_point": "point-01",
    "community": "yicheng-haoting",
    "compare": "previous",
    "cursor": "WzEsIk1ma0E5Z1R4MHFZdSIsWzQ3MTFdXQ",
    "day": "2026-11-23",
    "days_min": 4,
    "device": "bin-007",
    "emptying": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "every": "day",
    "format": "json",
    "from": "2026-11-01",
    "kind": "two_places",
    "last-event-id": "9f31c2ab-17",
    "limit": 100,
    "name": "li.wei",
    "q": "1234",
    "reason": "unknown_door",
    "redemption": 4711,
    "round": "5b1c0a52-6c1e-4a57-9a55-0d3c0f8f6f11",
    "session": "1c0a526c",
    "state": "reserved",
    "threshold_pct": 80,
    "to": "2026-11-23",
    "top": 10,
}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's document, with what it cannot know."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs")
    schemas["ProblemDetails"] = problem
    for path, entry in document["paths"].items():
        for method in METHODS:
            if operation := entry.get(method):
                _complete(operation, method, path)
    return document


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    parameters, body = operation.get("parameters", []), operation.get("requestBody")
    for parameter in parameters:
        _exemplify(parameter, path)
    statuses = set()
    if "security" in operation:
        statuses |= {401, 403}
    elif method in CHANGING:
        statuses |= {403}
    if path.startswith("/api/"):
        statuses |= {422, 503} if parameters or body else {503}
    if body:
        statuses |= {413}
    responses = operation["responses"]
    responses.pop("422", None)
    responses |= {str(status): entry for status, entry in documented(*statuses).items()}
    if any(parameter["name"] == "format" for parameter in parameters):
        responses["200"]["content"]["text/csv"] = TABLE
    if method == "get" and "application/json" in responses["200"].get("content", {}):
        responses["304"] = NOT_MODIFIED
    operation["responses"] = dict(sorted(responses.items()))
    answer = _answers().get(f"{method.upper()} {path}")
    for status in ("200", "201"):
        content = responses.get(status, {}).get("content", {}).get("application/json")
        if answer is not None and content is not None:
            content["example"] = answer


def _exemplify(parameter: dict[str, Any], path: str) -> None:
    name, schema = parameter["name"], parameter["schema"]
    if "example" in parameter or "examples" in parameter or "examples" in schema:
        return
    example = PARAMETERS[name]
    if schema.get("type") == "boolean":
        example = False
    if name == "kind" and path.endswith("/tariff"):
        example = "household"
    parameter["example"] = example


@cache
def _answers() -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return answers
