"""What ``make mutants`` found: killed by area, the survivors by name; ends with 1 under the bar."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

FOLDER = Path("mutants")
BAR_PCT = 90
AREAS = ("gateway/pipeline.py", "smartbin/wire", "smartbin/rewards", "smartbin/sorting")
# mutmut keeps the exit code of each mutant's test run: None is a mutant that was not tried, 33 one
# that no test reaches; 1 and 3 are failed tests; the rest are signals and limits of time.
ALIVE = {0: "survived", 33: "no test", None: "not tried"}


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
    print(f"{'area':<22} {'mutants':>8} {'killed':>8} {'share':>7}")
    for area, codes in results().items():
        states = Counter(ALIVE.get(code, "killed") for code in codes.values())
        tried = len(codes) - states["not tried"]
        share_pct = 100 * states["killed"] / tried if tried else 0.0
        under |= tried > 0 and share_pct < BAR_PCT
        print(f"{area:<22} {tried:>8} {states['killed']:>8} {share_pct:>6.1f}%")
        for name, code in codes.items():
            if code in (0, 33):
                print(f"    {ALIVE[code]}: {name}")
    return 1 if under else 0


if __name__ == "__main__":
    sys.exit(main())
