"""Every capability of the product, by name; importing this loads the tables of all of them."""

from __future__ import annotations

from smartbin.accounts import tables as accounts
from smartbin.collection import tables as collection
from smartbin.database import tables as database
from smartbin.database.metadata import metadata
from smartbin.deposit_lines import tables as deposit_lines
from smartbin.people import tables as people
from smartbin.points import tables as points
from smartbin.sorting import tables as sorting
from smartbin.verdicts import tables as verdicts

__all__ = ["metadata"]
TABLES = (accounts, collection, database, deposit_lines, people, points, sorting, verdicts)
