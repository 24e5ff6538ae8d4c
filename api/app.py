"""Puts the API together: resources, errors, headers, health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from api import errors, openapi, screens
from api.capabilities import CAPABILITIES
from api.endpoints import permitted
from api.headers import SecurityHeaders
from api.live.hub import Hub
from api.parameters import known_only
from api.parts import Parts, PartsDep
from api.security import PUBLIC
from api.tables import ETags
from smartbin.capabilities import JOBS
from smartbin.core.errors import StoreUnavailable
from smartbin.jobs.job import Ground
from smartbin.jobs.runner import JobRunner
from smartbin.live.tail import OutboxReader, Tail
from smartbin.settings import SiteSettings

VERSION = "0.1.0"
# The largest body any endpoint takes is a sign-in; a stranger must not fill the memory with more.
BODY_BYTES_MAX = 64 * 1024
# Counted from 0: Prometheus sees no increase in a series that begins with a burst.
ALARMING = (429, 500, 503)


class App(FastAPI):
    """FastAPI whose every error is a problem, whose every answer is counted, and whose
    description is complete.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""

        async def counted(message: Message) -> None:
            # Out here, for an answer to an unforeseen exception passes through no middleware.
            if message["type"] == "http.response.start":
                self.state.requests.labels(message["status"]).inc()
            await send(message)

        await errors.TooLargeAsProblem(super().__call__)(scope, receive, counted)

    _document: ClassVar[dict[str, Any] | None] = None

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document: it follows from the code alone, and is made once."""
        if App._document is None:
            App._document = openapi.completed(super().openapi())
        return App._document


def create_app(parts: Parts, jobs: SiteSettings | None = None) -> FastAPI:
    """The application over these parts; nothing is global, so a test may have several. ``jobs`` are
    the settings by which it runs the jobs too; None: another program does.
    """
    hub = Hub(parts)
    metrics = CollectorRegistry()
    ground = Ground(parts.registry, parts.reader, parts.database, parts.now_us)
    runner = JobRunner(JOBS, ground, jobs, metrics) if jobs is not None else None
    # The jobs first: settling waits for no telemetry store.
    readers: list[OutboxReader] = [hub] if runner is None else [runner, hub]
    tail = Tail(parts.database, readers)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        hub.start()
        if runner is not None:
            runner.start()
        tail.start()
        yield
        tail.stop()
        if runner is not None:
            runner.stop()

    app = App(
        title="smartbin",
        version=VERSION,
        summary="Full bins, sorting statistics and points of a subdistrict",
        lifespan=lifespan,
        dependencies=[Depends(known_only)],
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        max_body_size=BODY_BYTES_MAX,
    )
    app.state.parts = parts
    app.state.hub = hub
    app.state.tail = tail
    app.state.jobs = runner
    app.state.metrics = metrics
    app.state.requests = Counter(
        "smartbin_api_requests", "Requests answered", ["code"], registry=metrics
    )
    for code in ALARMING:
        app.state.requests.labels(code)
    errors.install(app)
    app.add_middleware(ETags)
    app.add_middleware(SecurityHeaders)
    for capability in CAPABILITIES:
        for router in capability.routers:
            app.include_router(router)
    _health(app)
    app.state.permitted = permitted(app)
    app.include_router(screens.router)  # last: it answers every address that nobody else does
    return app


def _health(app: FastAPI) -> None:
    @app.get("/healthz", tags=["health"], dependencies=[PUBLIC], response_class=PlainTextResponse)
    def healthz() -> PlainTextResponse:
        """The process is alive."""
        return PlainTextResponse("ok\n")

    not_ready: dict[int | str, dict[str, Any]] = {
        503: {"description": "Service Unavailable", "content": {"text/plain": {}}}
    }

    @app.get(
        "/readyz",
        tags=["health"],
        dependencies=[PUBLIC],
        response_class=PlainTextResponse,
        responses=not_ready,
    )
    def readyz(parts: PartsDep) -> PlainTextResponse:
        """Both stores answer; 503 with a sentence when one does not."""
        try:
            parts.reader.check()
            parts.database.check()
        except StoreUnavailable as error:
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse("ready\n")

    @app.get("/metrics", tags=["health"], dependencies=[PUBLIC], response_class=PlainTextResponse)
    def metrics() -> Response:
        """Metrics in Prometheus format."""
        return Response(generate_latest(app.state.metrics), media_type=CONTENT_TYPE_LATEST)
