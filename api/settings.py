"""The API's settings; docs/configuration.md explains each."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from smartbin.core.settings import Settings


class ApiSettings(Settings):
    """What ``python -m api`` reads from the environment."""

    telemetry_url: str = "sqlite:///var/telemetry.db"
    telemetry_token: SecretStr = SecretStr("")
    records_url: str = "sqlite:///var/records.db"
    records_password: SecretStr = SecretStr("")
    quarantine: Path = Path("var/quarantine")
    api_http: str = "127.0.0.1:8000"
    api_tls_cert_file: Path | None = None
    api_tls_key_file: Path | None = None
    tariff: Path | None = None
    settle_every_s: float = Field(5, ge=0, le=3600)
