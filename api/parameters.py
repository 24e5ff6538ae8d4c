"""Query parameters nobody declared: refused, for a misspelt filter would answer everything."""

from __future__ import annotations

import difflib

from fastapi import Request

from api.errors import Problem


async def known_only(request: Request) -> None:
    """Refuse a query parameter that the endpoint's OpenAPI entry does not name."""
    if not request.query_params or not request.url.path.startswith("/api/"):
        return  # the screens read their own address, and a monitor may add what it likes
    paths = request.app.openapi()["paths"]
    entry = paths.get(request.scope["route"].path, {}).get(request.method.lower())
    if entry is None:
        return
    known = sorted(p["name"] for p in entry.get("parameters", []) if p["in"] == "query")
    for name in request.query_params:
        if name in known:
            continue
        nearest = difflib.get_close_matches(name, known, n=3)
        hint = (
            f"did you mean {' or '.join(nearest)}?"
            if nearest
            else "it takes " + (", ".join(known) or "none")
        )
        raise Problem(
            422,
            "bad-input",
            f"{name}: no such parameter of {request.url.path}; {hint}",
            parameter=name,
            nearest=nearest or None,
        )
