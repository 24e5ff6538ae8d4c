"""``python -m simulator.warden``: ends the demo's parts when the demo has died without doing so.

It reads from a pipe whose other end the demo holds: a line names a process group, and the end of
the pipe, which no way of dying can withhold, is the demo's. A demo that ends as it should has
ended its parts and then this process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

GRACE_S = 10.0


def main() -> None:
    """Wait for the end of standard input."""
    groups = [int(line) for line in sys.stdin]
    for number in (signal.SIGTERM, signal.SIGKILL):
        groups = [group for group in groups if _told(group, number)]
        until_s = time.monotonic() + GRACE_S
        while groups and time.monotonic() < until_s:
            time.sleep(0.1)
            groups = [group for group in groups if _told(group, 0)]


def _told(group: int, number: int) -> bool:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main()
