"""``python -m tests.faults REPETITIONS``: the long form of every fault, as docs/reliability.md
tells it; ``python -m tests.faults 1 influx`` only those whose name says so. Ten repetitions take
every order in which the five parts can start again.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.faults import disk
from tests.faults.campaign import Campaign, Fault, Outcome
from tests.faults.kinds import FAULTS, restarts
from tests.faults.plant import plant
from tests.real import Mosquitto

EVENTS, HOLD_S = 1000, 4.0
EVENTS_OF_A_RESTART = 200
FORGETFUL = "all killed, started in another order each time"
AGAIN = "all killed, devices send two minutes again"


def main(repetitions: int, only: str = "") -> int:
    """Print a row of the table for each fault; answers 1 when anything was lost, twice or wrong."""
    with tempfile.TemporaryDirectory() as folder, plant(Path(folder)) as own:
        campaign = Campaign(own, random.Random(1))
        bad = False
        for name, fault in FAULTS.items():
            if only in name:
                bad |= _row(campaign, name, [fault] * repetitions, EVENTS)
        orders = list(restarts())
        if only in FORGETFUL:
            # Mosquitto acknowledges before it is on disk: whoever dies with it may lose something.
            _row(campaign, FORGETFUL, orders[::10], EVENTS_OF_A_RESTART)
        if only in AGAIN:
            random.Random(1).shuffle(orders)  # a part of them is a sample of all
            some = orders[: 12 * repetitions]
            bad |= _row(campaign, AGAIN, some, EVENTS_OF_A_RESTART, again=True)
        if only in "disk full":
            bad |= _full(Path(folder), repetitions)
        wrong = campaign.points_wrong() if campaign.sent else []
        print(f"{len(campaign.sent)} events, accounts with wrong points: {len(wrong)}", *wrong[:5])
    return 1 if bad or wrong else 0


def _full(folder: Path, repetitions: int) -> bool:
    runs = []
    for n in range(repetitions):
        broker = Mosquitto(folder / f"broker-{n}")
        broker.start()
        with disk.small_disk(folder / f"disk-{n}") as small:
            runs.append(disk.filled(small, broker, EVENTS))
        broker.stop()
    return _told("disk full (SQLite, quarantine)", runs)


def _row(
    campaign: Campaign, name: str, faults: Sequence[Fault], events: int, *, again: bool = False
) -> bool:
    runs = []
    for fault in faults:
        runs.append(campaign.run(fault, events, HOLD_S, again=again))
        print(f"{name}: {len(runs)} of {len(faults)}: {runs[-1]}", file=sys.stderr, flush=True)
    return _told(name, runs)


def _told(name: str, runs: Sequence[Outcome]) -> bool:
    seconds = sorted(run.recover_s for run in runs)
    lost, twice = sum(run.lost for run in runs), sum(run.twice for run in runs)
    print(
        f"| {name} | {len(runs)} | {sum(run.events for run in runs)} | {lost} | {twice} "
        f"| {seconds[len(seconds) // 2]:.1f} | {seconds[-1]:.1f} |",
        flush=True,
    )
    return bool(lost or twice)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
