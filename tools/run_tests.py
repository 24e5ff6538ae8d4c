"""``python -m tools.run_tests [ARGUMENT ...]``: every test, or those that the arguments choose.

Two runs of pytest: the containers' tests have one engine and run after the others, one by one. A
run for which the arguments choose nothing is not a failure while the other has tests.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

NOTHING_CHOSEN = 5  # pytest's exit status
CONTAINERS = "tests/compose"
_ALONE = ["-n", "0"]
_TOGETHER = ["-n", "4", "--dist", "worksteal"]


def runs(arguments: Sequence[str]) -> list[list[str]]:
    """The arguments of both runs of pytest, in order."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", dest="markers", default="")
    known, rest = parser.parse_known_args(arguments)
    paths = any(Path(one.split("::")[0]).exists() for one in rest if not one.startswith("-"))
    chosen = f" and ({known.markers})" if known.markers else ""
    return [
        [*_TOGETHER, *rest, "-m", f"not compose{chosen}"],
        # Without a path the other tests need not be collected a second time.
        [*rest, *([] if paths else [CONTAINERS]), *_ALONE, "-m", f"compose{chosen}"],
    ]


def status_of(both: Sequence[list[str]], pytest: Callable[[list[str]], int]) -> int:
    """Run both; the first failure ends it."""
    statuses = []
    for arguments in both:
        statuses.append(pytest(arguments))
        if statuses[-1] not in (0, NOTHING_CHOSEN):
            return statuses[-1]
    return min(statuses)


def _pytest(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(status_of(runs(sys.argv[1:]), _pytest))
