"""What more than one folder of tests needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import influx

# Speed is measured, never asserted: on a busy machine any example is slow once.
settings.register_profile("project", settings(), deadline=None)
settings.load_profile("project")


@pytest.fixture(scope="session")
def influx_server() -> Iterator[influx.Influx]:
    """One real InfluxDB 2 for the session."""
    with influx.server() as running:
        yield running
