"""The built screens: one page whose address the browser reads, and the files it loads.

The build (``make web``) may end while the API already runs, so the folder is looked at when asked.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api.errors import Problem
from api.parts import PartsDep
from api.security import PUBLIC

router = APIRouter(include_in_schema=False, dependencies=[PUBLIC])

PAGES = (
    "/",
    "/account",
    "/board",
    "/board/{community}",
    "/crew",
    "/help",
    "/help/{page}",
    "/me",
    "/office",
    "/office/{rest:path}",
    "/sign-in",
)
FILES = ("sw.js", "crew.webmanifest", "crew-files.json")
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
# Their names carry their content: what is kept never goes stale.
FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"


def page(request: Request, parts: PartsDep) -> Response:
    """The page; its script shows what the address names."""
    return _page(request, parts.static, "index.html")


@router.get("/docs")
def docs(request: Request, parts: PartsDep) -> Response:
    """The endpoints to read and to try; nothing of it comes from outside."""
    return _page(request, parts.static, "docs.html")


def elsewhere(request: Request, parts: PartsDep, rest: str) -> Response:
    """An address that does not exist: a person gets a page that leads on, a program a problem."""
    if rest.startswith("api/") or "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    return _page(request, parts.static, "index.html", 404)


def _page(request: Request, static: Path | None, name: str, status: int = 200) -> Response:
    found = static / name if static else None
    if found is None or not found.is_file():
        detail = "the screens are not built yet; run `make web` or wait until the demo has"
        raise Problem(503, "screens-not-built", detail, headers={"Retry-After": "10"})
    return _send(request, found, "text/html; charset=utf-8", ASK_FIRST, status)


for _path in PAGES:
    router.get(_path)(page)


@router.get("/assets/{name}")
def asset(request: Request, parts: PartsDep, name: str) -> Response:
    """A script or a style."""
    return _file(request, parts.static, "assets", name, FOR_EVER)


@router.get("/icons/{name}")
def icon(request: Request, parts: PartsDep, name: str) -> Response:
    """An icon."""
    return _file(request, parts.static, "icons", name, ASK_FIRST)


def top(request: Request, parts: PartsDep) -> Response:
    """A file that must lie at the root: the service worker and what it reads."""
    return _file(request, parts.static, "", request.url.path[1:], ASK_FIRST)


for _name in FILES:
    router.get(f"/{_name}")(top)


def _file(request: Request, static: Path | None, folder: str, name: str, cache: str) -> Response:
    media_type = MEDIA_TYPES.get(Path(name).suffix)
    found = static / folder / name if static else None
    # One segment of a known kind in one folder: nothing else on the disk can be asked for.
    if found is None or media_type is None or found.name != name or not found.is_file():
        raise Problem(404, "not-found", f"{request.url.path} is not a file of the screens")
    return _send(request, found, media_type, cache)


def _send(request: Request, path: Path, media_type: str, cache: str, status: int = 200) -> Response:
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    packed = path.with_name(path.name + ".gz")
    if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
        headers["Content-Encoding"] = "gzip"
        path = packed
    return FileResponse(path, status, media_type=media_type, headers=headers)


# Last: what matches nothing above.
router.get("/{rest:path}")(elsewhere)
