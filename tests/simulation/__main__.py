"""``python -m tests.simulation SEED`` runs a seed again and tells what struck and what is wrong;
``FIRST LAST`` runs many and tells their sums.
"""

from __future__ import annotations

import sys

from tests.simulation.campaign import Campaign, wrong
from tests.simulation.world import World, machine


def main(first: int, last: int) -> int:
    """Answers the exit status: 1 when something is wrong."""
    with machine() as own:
        if first != last:
            campaign = Campaign()
            campaign.run(own, range(first, last + 1))
            print("\n".join([*campaign.wrong[:20], str(campaign)]))
            return 1 if campaign.wrong else 0
        world = World(own, first)
        found = wrong(world)
    said = world.said
    print(f"{len(said.facts)} facts in {len(said.messages)} messages, {world.lives + 1} lives")
    print("\n".join([*world.fate.story, *(found or ["nothing is wrong"])]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[-1])))
