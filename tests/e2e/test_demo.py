"""The demo's own check: every answer of the API against what must be, with both brokers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real import patient_s


@pytest.mark.parametrize("broker", ["embedded", "auto"])
def test_every_answer_is_what_the_fleet_said(broker: str, tmp_path: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SMARTBIN_")}
    argv = ["demo", "--check", "--days", "1", "--broker", broker, "--data", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "simulator", *argv],
        env=environ,
        capture_output=True,
        text=True,
        timeout=patient_s(240),
    )
    assert done.returncode == 0, done.stderr
    assert " 0 differ" in done.stdout
    assert list(tmp_path.iterdir()) == []
