"""The API's settings; docs/configuration.md explains each."""

from __future__ import annotations

from pathlib import Path

from smartbin.settings import SiteSettings


class ApiSettings(SiteSettings):
    """What ``smartbin api`` reads from the environment."""

    api_http: str = "127.0.0.1:8000"
    api_tls_cert_file: Path | None = None
    api_tls_key_file: Path | None = None
