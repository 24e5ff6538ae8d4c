"""What strangers wrote drives no terminal, invents no line of a log, and runs in no spreadsheet."""

from __future__ import annotations

import logging
import sys

import pytest

from smartbin.core.cells import safe_cell
from smartbin.core.errors import BadInput
from smartbin.core.printable import LogFormatter, printable

HOSTILE = "a\x1b[2Jb\r\nERROR all is lost\u202e"


def test_a_log_line_stays_one() -> None:
    record = logging.LogRecord("x", logging.WARNING, "f", 1, "said %s", (HOSTILE,), None)
    line = LogFormatter("%(levelname)s %(message)s").format(record)
    assert line == r"WARNING said a\x1b[2Jb\r\nERROR all is lost\u202e"


def test_a_traceback_invents_no_line() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    first, *others = LogFormatter("%(levelname)s %(message)s").format(record).split("\n")
    assert first == "ERROR failed"
    assert others[-1] == r"    ERROR all is lost\u202e"
    assert all(line.startswith("    ") and line.isprintable() for line in others)


def test_a_refusal_may_be_shown() -> None:
    assert str(BadInput(f"name: {HOSTILE}")).count("\n") == 1  # its own lines are kept
    assert "\x1b" not in str(BadInput(HOSTILE))
    assert printable("厨余 kitchen") == "厨余 kitchen"


@pytest.mark.parametrize("sign", "=+-@\t\r\n＝＋－＠")
def test_a_cell_is_shown_and_not_run(sign: str) -> None:
    assert safe_cell(f"{sign}cmd|' /C calc'!A0").startswith("'")
    assert safe_cell("厨余") == "厨余"
    assert safe_cell(-5) == -5
