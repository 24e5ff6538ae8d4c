"""The gateway's settings; docs/configuration.md explains each."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from smartbin.core.settings import StoreSettings


class GatewaySettings(StoreSettings):
    """What ``smartbin gateway`` reads from the environment."""

    mqtt_url: str = "mqtt://127.0.0.1:1883"
    mqtt_password: SecretStr = SecretStr("")
    mqtt_client_id: str = "smartbin-gateway"
    mqtt_ca_file: Path | None = None
    mqtt_share: str = ""
    mqtt_part: str = ""
    gateway_http: str = "127.0.0.1:8001"
