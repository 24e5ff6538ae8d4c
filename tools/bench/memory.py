"""The gateway's peak memory while it drains a backlog of a million messages."""

from __future__ import annotations

import os
from collections.abc import Iterator

from tools.bench.backlog import single_messages
from tools.bench.drain import drained
from tools.bench.result import Result


def measures() -> Iterator[Result]:
    """The peak of its resident memory."""
    number = int(os.environ.get("SMARTBIN_BENCH_BACKLOG", "1000000"))
    done = drained(single_messages(number), number)
    yield Result(
        "gateway's memory under a backlog",
        done.memory_mb,
        "MB",
        120,
        at_most=True,
        how=f"{number:,} messages, {done.per_s:,.0f}/s",
    )
