"""``python -m tools.bench [--keep] [NAME ...]``: measure the promises about speed, as ratios within
one run, and say how each figure compares with the last committed run.

A module of this folder takes part by having ``measures() -> Iterable[Result]``; it is named by its
file. What needs a part that is not installed says so and is left out. ``--keep`` puts the figures
into docs/bench.json and docs/performance.md. Ends with status 1 when a promise is missed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from tools.bench import kept
from tools.bench.result import Result

HERE = Path(__file__).parent


def main(argv: list[str]) -> int:
    """Run the named modules, or all; print a table, and JSON next to it."""
    known = sorted(p.stem for p in HERE.glob("*.py") if "\ndef measures(" in p.read_text("utf-8"))
    parser = argparse.ArgumentParser(prog="python -m tools.bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--keep", action="store_true", help="for docs/performance.md")
    args = parser.parse_args(argv)
    if wrong := [name for name in args.names if name not in known]:
        print(f"no measurement is called {wrong[0]!r}; there are: {', '.join(known)}")
        return 2
    before, runs, results = kept.kept(), kept.Runs(), list[Result]()
    for name in args.names or known:
        run, found = kept.surroundings(), list[Result]()
        for result in importlib.import_module(f"tools.bench.{name}").measures():
            found.append(result)
            print(f"{result.line()}  {kept.change(before, name, found)}", flush=True)
        results += found
        measured = [r.as_json() for r in found if not r.how.startswith("left out")]
        if measured:
            runs[name] = {**run, "results": measured}
    file = HERE.parents[1] / "build" / "bench.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    if args.keep:
        kept.keep(runs)
    print(f"{sum(r.kept() for r in results)} of {len(results)} kept; {file}")
    return 0 if all(r.kept() for r in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
