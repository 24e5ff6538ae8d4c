"""Measured figures: what is kept of them, how a run compares with the last, what the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.bench import kept
from tools.bench.result import Result


def run(*results: Result) -> dict[str, Any]:
    about = {"date": "2026-11-26T10:00+00:00", "commit": "abc", "machine": "2 cores", "load": 3.0}
    return {**about, "results": [r.as_json() for r in results]}


def test_a_bar_holds_from_its_own_side() -> None:
    assert Result("ratio", 1.1, "x", 1.1).kept()
    assert not Result("ratio", 1.0, "x", 1.1).kept()
    assert Result("p95", 5, "ms", 5, at_most=True).kept()
    assert not Result("p95", 5.1, "ms", 5, at_most=True).kept()
    assert Result("said only", 9, "ms").kept()


def test_a_figure_is_compared_with_the_same_one_of_the_last_run() -> None:
    before = {"points": run(Result("page", 10, "ms"), Result("page", 20, "ms"))}
    first, second = Result("page", 15, "ms"), Result("page", 15, "ms")
    assert kept.change(before, "points", [first]) == "+50 %"
    assert kept.change(before, "points", [first, second]) == "-25 %"
    assert kept.change(before, "stats", [first]) == "new"
    assert kept.change(before, "points", [first, Result("else", 1, "ms")]) == "new"


def test_a_run_replaces_its_own_module_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{kept.START}old\n{kept.END}after\n", encoding="utf-8")
    monkeypatch.setattr(kept, "PAGE", page)
    monkeypatch.setattr(kept, "KEPT", tmp_path / "bench.json")
    kept.keep({"drain": run(Result("ratio", 1.25, "x", 5.0)), "stats": run(Result("p95", 9, "ms"))})
    kept.keep({"stats": run(Result("p95", 7, "ms", 20, at_most=True, how="warm"))})
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| ratio | ≥ 5 | **1.25 x: not kept** |  |" in text
    assert "| p95 | ≤ 20 | 7 ms | warm |" in text
    assert "busy (load average 3)" in text
    assert "9 ms" not in text


def test_the_page_shows_what_is_kept() -> None:
    text = kept.PAGE.read_text(encoding="utf-8")
    assert text.partition(kept.START)[2].partition(kept.END)[0] == kept.table(kept.kept())
