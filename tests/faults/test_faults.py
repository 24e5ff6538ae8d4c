"""Every fault once, for a moment, at the whole system of real processes. The long form is
``python -m tests.faults 10``; its figures are in docs/reliability.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import disk
from tests.faults.campaign import Campaign, Fault
from tests.faults.kinds import FAULTS, restarts
from tests.faults.plant import plant
from tests.faults.proxy import can_vanish
from tests.real import Mosquitto, missing

pytestmark = pytest.mark.real
EVENTS, HOLD_S = 60, 0.5
EVERYTHING = {"everything killed": list(restarts())[77]}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with plant(tmp_path_factory.mktemp("plant")) as own:
        yield Campaign(own, random.Random(7))


@pytest.mark.parametrize("name", [*FAULTS, *EVERYTHING])
def test_nothing_is_lost_nothing_is_twice_and_every_point_is_right(
    campaign: Campaign, name: str
) -> None:
    if "half-open" in name and not can_vanish():
        missing("a connection that dies unnoticed", "run the tests as root: it takes TCP_REPAIR")
    fault: Fault = (FAULTS | EVERYTHING)[name]
    outcome = campaign.run(fault, EVENTS, HOLD_S, again=name in EVERYTHING)
    assert (outcome.lost, outcome.twice) == (0, 0)
    assert campaign.points_wrong() == []


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.start()
    with disk.small_disk(tmp_path / "small") as small:
        outcome = disk.filled(small, broker, 400)
    broker.stop()
    assert (outcome.lost, outcome.twice) == (0, 0)
