"""The API as a program: build the parts from the settings, serve until stopped."""

from __future__ import annotations

import gc
import os
import ssl
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.parts import Parts
from api.settings import ApiSettings
from smartbin.core.command import now_us
from smartbin.core.errors import BadInput
from smartbin.core.settings import listening
from smartbin.database.command import opened
from smartbin.places.load import load
from smartbin.points.rules.load import load_tariffs
from smartbin.sorting.rules import limits
from smartbin.telemetry import open_reader

# An open event stream would else hold the server's shutdown forever (uvicorn 451).
SHUTDOWN_S = 3
CONNECTIONS_MAX = 1_500
STATIC = Path(__file__).parent / "static"


def serve(settings: ApiSettings) -> None:
    """Answer HTTP until SIGTERM or SIGINT. Raises BadInput; waits for the database forever."""
    host, port = listening("SMARTBIN_API_HTTP", settings.api_http, "127.0.0.1:8000")
    certificate, key = _tls(settings.api_tls_cert_file, settings.api_tls_key_file)
    parts = parts_of(settings, float("inf"))
    app = create_app(parts, settings if settings.jobs == "api" else None)
    _warm(app)
    uvicorn.run(
        app,
        host=host,
        port=port,
        timeout_graceful_shutdown=SHUTDOWN_S,
        limit_concurrency=CONNECTIONS_MAX,
        access_log=False,
        log_config=None,  # its lines are written as ours are
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


def parts_of(settings: ApiSettings, wait_s: float) -> Parts:
    """What the application is made of, as the settings say."""
    registry = load(settings.site)
    token = settings.telemetry_token.get_secret_value() or None
    return Parts(
        registry,
        open_reader(settings.telemetry_url, registry.site.zone, token),
        opened(settings, wait_s),
        settings.quarantine,
        now_us,
        STATIC,
        limits.load(settings.site),
        load_tariffs(settings.tariff_file, registry.communities),
    )


def _warm(app: FastAPI) -> None:
    """What the first caller would wait for, and every so often one of the others."""
    app.openapi()  # half a second; every question's parameters are looked up in it
    gc.collect()
    gc.freeze()  # what stays for good is not walked through again: 80 ms each time


def _tls(certificate: Path | None, key: Path | None) -> tuple[Path | None, Path | None]:
    """Both files of HTTPS, tried here so that a mistake is a sentence; or neither."""
    if certificate is None and key is None:
        return None, None
    if certificate is None or key is None:
        missing = "CERT" if certificate is None else "KEY"
        raise BadInput(f"SMARTBIN_API_TLS_{missing}_FILE: is not set; HTTPS needs both files")
    for name, path in (("CERT", certificate), ("KEY", key)):
        if not os.access(path, os.R_OK):
            raise BadInput(f"SMARTBIN_API_TLS_{name}_FILE: cannot read {path}; name a PEM file")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise BadInput(
            f"SMARTBIN_API_TLS_CERT_FILE: {certificate} and {key} are not a certificate (PEM) and "
            f"its key ({error}); name both as the authority gave them"
        ) from None
    return certificate, key
