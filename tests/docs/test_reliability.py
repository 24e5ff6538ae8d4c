"""docs/reliability.md tells of every fault and of every bug that is sown."""

from __future__ import annotations

from pathlib import Path

from tests.faults.kinds import FAULTS
from tests.simulation.bugs import BUGS

DOC = (Path(__file__).parents[2] / "docs/reliability.md").read_text(encoding="utf-8")


def test_every_fault_has_its_row_and_nothing_was_lost_or_twice() -> None:
    rows = [line.split("|")[1:-1] for line in DOC.splitlines() if line.startswith("| ")]
    table = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows if len(row) == 7}
    assert set(FAULTS) <= set(table)
    for name in FAULTS:
        assert table[name][2:4] == ["0", "0"], name


def test_the_bugs_are_counted() -> None:
    assert f"All {len(BUGS)} are found" in DOC
