"""The settings of the jobs; docs/configuration.md explains each."""

from __future__ import annotations

from typing import Literal

from smartbin.core.settings import Settings


class JobsSettings(Settings):
    """Where the jobs run: in every API process, or apart, in ``smartbin jobs``."""

    jobs: Literal["api", "apart"] = "api"
    jobs_http: str = "127.0.0.1:8002"
