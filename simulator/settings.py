"""The simulator's settings; docs/configuration.md explains each."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from smartbin.core.settings import Settings


class SimulatorSettings(Settings):
    """What ``smartbin simulate`` reads from the environment."""

    mqtt_url: str = "mqtt://127.0.0.1:1883"
    mqtt_password: SecretStr = SecretStr("")
    mqtt_ca_file: Path | None = None
    simulator_credentials: Path | None = None
