"""Runs of measurements: where and when, kept in docs/bench.json, shown in docs/performance.md.

A run of one module replaces that module's last one, so each figure stands with the machine, the
day and how busy the machine was when it was taken.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.real import ROOT
from tools.bench.result import Result

KEPT = ROOT / "docs" / "bench.json"
PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- bench: made by `make bench ARGS=--keep` -->\n", "<!-- end of bench -->\n"
# From this load average on a run is said to have shared the machine.
BUSY_LOAD = 1.0
Runs = dict[str, dict[str, Any]]


def surroundings() -> dict[str, Any]:
    """Where, when and of what state of the code: known before a module starts."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        models = {line.partition(": ")[2].strip() for line in lines if line[:10] == "model name"}
    memory_b = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit.stdout.strip(),
        "machine": f"{os.cpu_count()} cores of {', '.join(sorted(models))}, "
        f"{memory_b / 2**30:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        "load": round(os.getloadavg()[0], 1),
    }


def kept() -> Runs:
    """The last committed runs, by module."""
    return dict(json.loads(KEPT.read_text(encoding="utf-8"))) if KEPT.exists() else {}


def numbered(results: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], float]:
    """Values by name, and by which of that name it is."""
    seen, found = Counter[str](), dict[tuple[str, int], float]()
    for result in results:
        seen[result["name"]] += 1
        found[result["name"], seen[result["name"]]] = result["value"]
    return found


def change(before: Runs, module: str, results: list[Result]) -> str:
    """How the newest result compares with the last committed run's."""
    known = numbered(before.get(module, {}).get("results", []))
    name = results[-1].name
    old = known.get((name, sum(r.name == name for r in results)))
    if not old:
        return "new"
    return f"{(results[-1].value / old - 1) * 100:+.0f} %"


def keep(runs: Runs) -> None:
    """Replace these modules' committed runs, and draw the page's table anew."""
    every = {**kept(), **runs}
    KEPT.write_text(json.dumps(every, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(before + START + table(every) + END + after, encoding="utf-8")


def table(runs: Runs) -> str:
    """All kept figures in Markdown, a table a module."""
    lines = []
    for module, run in sorted(runs.items()):
        busy = f"busy (load average {run['load']:g})" if run["load"] >= BUSY_LOAD else "quiet"
        when = f"{run['date'][:10]}, commit {run['commit']}, {busy}"
        lines += [
            "",
            f"**`{module}`** · {when}; {run['machine']}",
            "",
            "| what | asked | measured | |",
            "|---|---|---|---|",
        ]
        lines += [_row(result) for result in run["results"]]
    return "\n".join([*lines, "", ""])


def _row(r: Mapping[str, Any]) -> str:
    asked = "" if r["asked"] is None else f"{'≤' if r['at_most'] else '≥'} {r['asked']:g}"
    value = f"{r['value']:,.4g}" if r["value"] < 1000 else f"{r['value']:,.0f}"
    value += f" {r['unit']}"
    value = value if r["kept"] else f"**{value}: not kept**"
    return f"| {r['name']} | {asked} | {value} | {r['how']} |"
