"""The guarantee under a crash between any two steps, from 300 seeds; and proof that the simulation
finds a pipeline that breaks it.

SMARTBIN_TEST_SEEDS sets how many seeds; a failure names its seed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.pipeline import Delivery, Pipeline
from smartbin.events import Deposit, Fact
from tests.simulation.world import World

SEEDS = int(os.environ.get("SMARTBIN_TEST_SEEDS", "300"))


def failures(**changed: Any) -> list[str]:
    """What went wrong, by seed."""
    found = []
    for seed in range(SEEDS):
        world = World(seed, **changed)
        world.run()
        found += [f"seed {seed}: {fault}" for fault in world.faults()]
    return found


def test_nothing_is_lost_and_nothing_is_kept_twice() -> None:
    assert failures() == []


def test_a_seed_tells_the_same_story_twice() -> None:
    one, two = World(11), World(11)
    one.run()
    two.run()
    assert one.fate.chance.random() == two.fate.chance.random()


class AcknowledgesFirst(Pipeline):
    def _decode(self, deliveries: Sequence[Delivery]) -> Any:
        self.source.ack(deliveries)
        return super()._decode(deliveries)


class ForgetsTheLastOfABatch(Pipeline):
    def _keep(self, facts: Sequence[Fact], deliveries: Sequence[Delivery]) -> None:
        super()._keep(facts[:-1] if len(facts) > 1 else facts, deliveries)


class ForgetsTheRecords(Pipeline):
    def _keep(self, facts: Sequence[Fact], deliveries: Sequence[Delivery]) -> None:
        plain = [f for f in facts if not isinstance(f, Deposit) or f.weight_g % 7]
        self._append("telemetry", self.telemetry, facts)
        super()._keep(plain, deliveries)


class ForgetsTheRefused(Pipeline):
    def _set_aside(self, rejected: Sequence[Any]) -> None:
        pass


class GivesUp(Pipeline):
    def _persist(self, name: str, call: Any) -> None:
        from smartbin.errors import StoreUnavailable

        try:
            call()
        except StoreUnavailable:
            return


@pytest.mark.parametrize(
    "changed",
    [
        {"pipeline_class": AcknowledgesFirst},
        {"pipeline_class": ForgetsTheLastOfABatch},
        {"pipeline_class": ForgetsTheRecords},
        {"pipeline_class": ForgetsTheRefused},
        {"pipeline_class": GivesUp},
        {"drop_stale": False},
    ],
    ids=lambda changed: getattr(changed.get("pipeline_class"), "__name__", "AcknowledgesStale"),
)
def test_a_broken_pipeline_is_found(changed: dict[str, Any]) -> None:
    assert failures(**changed)
