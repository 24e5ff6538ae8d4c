"""The API's settings; docs/configuration.md explains each."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from smartbin.core.settings import StoreSettings


class ApiSettings(StoreSettings):
    """What ``python -m api`` reads from the environment."""

    api_http: str = "127.0.0.1:8000"
    api_tls_cert_file: Path | None = None
    api_tls_key_file: Path | None = None
    tariff: Path | None = None
    settle_every_s: float = Field(5, ge=0, le=3600)
