"""How a command opens the records' database."""

from __future__ import annotations

import argparse

from smartbin.core.settings import StoreSettings
from smartbin.database import Database, wait_for

WAIT_S = 60.0


def add_wait(parser: argparse.ArgumentParser) -> None:
    """The option ``--wait-s`` of every command that opens the database."""
    parser.add_argument(
        "--wait-s", type=float, default=WAIT_S, metavar="S",
        help="how long to wait for the records' database (60)",
    )  # fmt: skip


def opened(settings: StoreSettings, wait_s: float) -> Database:
    """The database of the settings, ready; raises BadInput, and StoreUnavailable after
    ``wait_s``.
    """
    database = Database.open(settings.records_url, settings.records_password.get_secret_value())
    wait_for(database.prepare, wait_s)
    return database
