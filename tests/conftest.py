"""What more than one folder of tests needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import settings

from tests import influx
from tests.real import ROOT

# These start whole systems on the usual ports, or on the one container engine: one at a time.
ONE_AT_A_TIME = ("tests/e2e", "tests/compose")

# Speed is measured, never asserted: on a busy machine any example is slow once.
settings.register_profile("project", settings(), deadline=None)
settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)  # before the distribution reads the groups
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """A file's tests stay on one worker, for they share what is dear to start."""
    for item in items:
        file = item.path.relative_to(ROOT)
        group = "systems" if str(file.parent) in ONE_AT_A_TIME else str(file)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def influx_server() -> Iterator[influx.Influx]:
    """One real InfluxDB 2 for the session."""
    with influx.server() as running:
        yield running
