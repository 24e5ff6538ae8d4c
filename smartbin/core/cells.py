"""Cells of tables that people open in a spreadsheet."""

from __future__ import annotations

from typing import Any

# What makes a spreadsheet run a cell (OWASP, CSV injection), in ASCII and in full width, with
# which Chinese input methods write the same signs.
_RUNS = tuple("=+-@\t\r\n＝＋－＠")


def safe_cell(value: Any) -> Any:
    """The cell, and text that a spreadsheet would run behind an apostrophe: shown, not run."""
    return "'" + value if isinstance(value, str) and value.startswith(_RUNS) else value
