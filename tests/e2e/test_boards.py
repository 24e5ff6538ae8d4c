"""Many boards at once, the short form of `make bench ARGS=boards`: nobody misses anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bench.boards import RATE, heard


@pytest.mark.real
def test_two_hundred_boards_hear_of_every_deposit_once(tmp_path: Path) -> None:
    found = heard(tmp_path, boards=200, seconds=3)
    assert len(found.said_s) == 3 * RATE
    assert (found.missing(), found.twice) == (0, 0)
    assert found.full_ms  # and a crew was answered meanwhile
