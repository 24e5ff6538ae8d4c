"""``python -m tests.bench [NAME ...]``: measure the promises about speed, as ratios within one run.

A module of this folder takes part by having ``measures() -> Iterable[Result]``; it is named by its
file. What needs a part that is not installed says so and is left out. Ends with status 1 when a
promise is missed.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from tests.bench.result import Result

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run the named modules, or all; print a table, and JSON beside it."""
    known = sorted(p.stem for p in HERE.glob("*.py") if "\ndef measures(" in p.read_text("utf-8"))
    if wrong := [name for name in names if name not in known]:
        print(f"no measurement is called {wrong[0]!r}; there are: {', '.join(known)}")
        return 2
    results: list[Result] = []
    for name in names or known:
        for result in importlib.import_module(f"tests.bench.{name}").measures():
            print(result.line(), flush=True)
            results.append(result)
    file = HERE.parents[1] / "build" / "bench.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps([r.as_json() for r in results], indent=1) + "\n", encoding="utf-8")
    print(f"{sum(r.kept() for r in results)} of {len(results)} kept; {file}")
    return 0 if all(r.kept() for r in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
