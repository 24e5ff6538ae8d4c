"""What more than one folder of tests needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import influx


@pytest.fixture(scope="session")
def influx_server() -> Iterator[influx.Influx]:
    """One real InfluxDB 2 for the session."""
    with influx.server() as running:
        yield running
