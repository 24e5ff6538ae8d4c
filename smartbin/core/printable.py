"""What strangers wrote, as a terminal and a log may show it: control characters are spelt out, so
that no text moves the cursor, hides a line or invents one.
"""

from __future__ import annotations

import logging
import textwrap
from typing import Any


def printable(text: str, keep: str = "") -> str:
    """The text with what is not printable spelt out, as ``\\x1b``; ``keep`` stays."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)


class LogFormatter(logging.Formatter):
    """One line a message; a traceback keeps its lines, each behind a margin, so that no error's
    text can look like a line of the log.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """See logging.Formatter."""
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """See logging.Formatter."""
        lines = printable(super().formatException(ei), keep="\n")
        return textwrap.indent(lines, "    ", lambda _: True)


def log_to_stderr() -> None:
    """How every program logs; called once, in its ``__main__``."""
    handler = logging.StreamHandler()
    handler.setFormatter(LogFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
