"""Every capability of the product, each with what it announces: one line to add another one.

The metadata (migrations), the command line, ``smartbin check``, the jobs' runner and the settings'
test read CAPABILITIES. Importing this loads all of them: the gateway does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from smartbin.accounts import commands as accounts_commands
from smartbin.accounts import tables as accounts
from smartbin.collection import tables as collection
from smartbin.core.command import Command
from smartbin.core.settings import Settings
from smartbin.database import tables as database
from smartbin.database.metadata import metadata
from smartbin.deposit_lines import tables as deposit_lines
from smartbin.jobs import tables as job_tables
from smartbin.jobs.job import AnyJob
from smartbin.jobs.settings import JobsSettings
from smartbin.live import jobs as live_jobs
from smartbin.people import commands as people_commands
from smartbin.people import tables as people
from smartbin.places import Registry
from smartbin.points import commands as points_commands
from smartbin.points import jobs as points_jobs
from smartbin.points import site_file as points_file
from smartbin.points import tables as points
from smartbin.points.settings import PointsSettings
from smartbin.sorting import commands as sorting_commands
from smartbin.sorting import jobs as sorting_jobs
from smartbin.sorting import tables as sorting
from smartbin.sorting.rules import limits
from smartbin.sorting.settings import SortingSettings
from smartbin.verdicts import tables as verdicts

__all__ = ["CAPABILITIES", "JOBS", "Capability", "SiteFile", "metadata"]


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of a site's folder that a capability reads; elsewhere it may have another name, of
    that pattern. ``check`` answers what the file says, in lines, or raises BadInput with every
    mistake; the registry is None where there is none.
    """

    name: str
    pattern: str
    check: Callable[[Path, Registry | None], list[str]]


@dataclass(frozen=True, slots=True)
class Capability:
    """A folder of ``smartbin/``: the module of its tables, its jobs, commands, settings, files."""

    name: str
    tables: ModuleType | None = None
    jobs: tuple[AnyJob, ...] = ()
    commands: tuple[Command, ...] = ()
    settings: tuple[type[Settings], ...] = ()
    files: tuple[SiteFile, ...] = ()


CAPABILITIES = (
    Capability("database", database),
    Capability("deposit_lines", deposit_lines),
    Capability("jobs", job_tables, settings=(JobsSettings,)),
    Capability("people", people, commands=people_commands.COMMANDS),
    Capability("accounts", accounts, commands=accounts_commands.COMMANDS),
    Capability("verdicts", verdicts),
    Capability("live", jobs=live_jobs.JOBS),
    Capability("collection", collection),
    Capability(
        "points",
        points,
        points_jobs.JOBS,
        points_commands.COMMANDS,
        (PointsSettings,),
        (SiteFile("tariff.toml", "*.toml", points_file.check),),
    ),
    Capability(
        "sorting",
        sorting,
        sorting_jobs.JOBS,
        sorting_commands.COMMANDS,
        (SortingSettings,),
        (SiteFile(limits.FILE, limits.FILE, limits.check_file),),
    ),
)
JOBS = tuple(job for capability in CAPABILITIES for job in capability.jobs)
