"""Many seeds one after another: what was wrong, and how much has been tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.fate import Evil
from tests.simulation.oracle import faults
from tests.simulation.world import Endless, Machine, World


@dataclass
class Campaign:
    """The sums over the seeds, and every fault with the line that repeats it."""

    seeds: int = 0
    facts: int = 0
    messages: int = 0
    lives: int = 0
    struck: Counter[Evil] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def run(self, machine: Machine, seeds: Iterable[int]) -> None:
        for seed in seeds:
            world = World(machine, seed)
            again = f"repeat it: .venv/bin/python -m tests.simulation {seed}"
            try:
                self.wrong += [f"{fault}; {again}" for fault in wrong(world)]
            except Exception as error:
                error.add_note(again)
                raise
            self.seeds += 1
            self.facts += len(world.said.facts)
            self.messages += len(world.said.messages)
            self.lives += world.lives + 1
            self.struck.update(world.fate.struck)

    def __str__(self) -> str:
        sums = f"{self.facts} facts in {self.messages} messages, {self.lives} lives"
        struck = "\n".join(f"{self.struck[evil]:>8}  {evil}" for evil in Evil)
        return f"{self.seeds} seeds, {sums}, {len(self.wrong)} faults\n{struck}"


def wrong(world: World) -> list[str]:
    """What is wrong at the end of a world's run; one that never ends is wrong too."""
    try:
        world.run()
        return faults(world)
    except Endless as error:
        return [str(error)]
    finally:
        world.machine.forget()
