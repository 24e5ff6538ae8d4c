"""What ``make mutants`` found: killed by area, the rest by name; ends with 1 under the bar.

A mutant that was tried keeps its answer until its code changes: after writing a test for a
survivor try it again by its name (``make mutants ARGS=NAME``).
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

FOLDER = Path("mutants")
BAR_PCT = 90
AREAS = (
    "gateway/pipeline.py",
    "smartbin/facts/wire",
    "smartbin/points/rules",
    "smartbin/sorting/rules",
)
# What mutmut keeps: pytest's exit codes of the mutant's run, signals as negative numbers, and
# codes of its own. A test that fails (3: so hard that pytest itself does) notices the mutant, and
# so does one that never ends.
STATE = {
    None: "not tried",
    0: "survived",
    1: "killed",
    3: "killed",
    -24: "timeout",
    24: "timeout",
    36: "timeout",
    152: "timeout",
    255: "timeout",
    33: "no test",
}


def results() -> dict[str, dict[str, int | None]]:
    """The exit code of every mutant, by area."""
    found: dict[str, dict[str, int | None]] = defaultdict(dict)
    for path in sorted(FOLDER.rglob("*.meta")):
        source = path.relative_to(FOLDER).as_posix().removesuffix(".meta")
        area = next((area for area in AREAS if source.startswith(area)), None)
        if area is not None:
            found[area] |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def main() -> int:
    """Print the table; answers the exit status."""
    under = False
    print(f"{'area':<22} {'mutants':>8} {'tried':>8} {'killed':>8} {'share':>7}")
    for area, codes in results().items():
        states = {name: STATE.get(code, f"ended with {code}") for name, code in codes.items()}
        count = Counter(states.values())
        tried = len(codes) - count["not tried"]
        killed = count["killed"] + count["timeout"]
        share_pct = 100 * killed / tried if tried else 0.0
        under |= tried > 0 and share_pct < BAR_PCT
        print(f"{area:<22} {len(codes):>8} {tried:>8} {killed:>8} {share_pct:>6.1f}%")
        for name, state in states.items():
            if state not in ("killed", "not tried"):
                print(f"    {state}: {name}")
    return 1 if under else 0


if __name__ == "__main__":
    sys.exit(main())
