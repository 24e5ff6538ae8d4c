"""The API behind a real server on a port of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.app import create_app
from api.parts import Parts
from tests.real import free_port, until


@contextmanager
def served(parts: Parts) -> Iterator[str]:
    """Its address; the server ends with the block."""
    port = free_port()
    config = uvicorn.Config(
        create_app(parts), port=port, log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the server answers")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
