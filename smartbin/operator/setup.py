"""``smartbin setup``: make what the telemetry store needs before the programs start."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from pathlib import Path

from smartbin.core.errors import StoreUnavailable
from smartbin.core.settings import StoreSettings
from smartbin.telemetry import setup

RETRY_DELAY_S = 1.0


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of days; write 400")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--levels-days", type=_days, metavar="N",
        help="keep levels, status and alarms N days (0: forever); 400 for a new bucket",
    )  # fmt: skip
    parser.add_argument(
        "--tokens", type=Path, metavar="DIR",
        help="make DIR/writer for the gateway and DIR/reader for the API",
    )  # fmt: skip
    parser.add_argument(
        "--wait-s", type=float, default=60.0, metavar="S",
        help="how long to wait for the server to answer (60)",
    )  # fmt: skip


def setup_command(settings: StoreSettings, args: argparse.Namespace) -> Iterator[str]:
    """Yields a sentence for each thing made or found. Raises BadInput, StoreUnavailable."""
    deadline_s = time.monotonic() + args.wait_s
    token = settings.telemetry_token.get_secret_value() or None
    while True:
        try:
            yield from setup(settings.telemetry_url, token, args.levels_days, args.tokens)
            return
        except StoreUnavailable:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(RETRY_DELAY_S)
