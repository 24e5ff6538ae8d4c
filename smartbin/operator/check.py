"""``smartbin check FOLDER|FILE``: whether a site's files can be used, or every mistake.

The registry's tables are checked here; every other file of a site's folder by the capability that
reads it (``files`` in smartbin/capabilities.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from smartbin.capabilities import CAPABILITIES, SiteFile
from smartbin.core.command import EXIT_NOT_DONE
from smartbin.core.errors import BadInput
from smartbin.places import DeviceKind, Registry
from smartbin.places.load import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    names = ", ".join(file.name for file in _files())
    parser.add_argument(
        "path", type=Path, metavar="FOLDER|FILE", help=f"a site's folder, or one of {names}"
    )


def check_command(args: argparse.Namespace, _environ: Mapping[str, str]) -> int:
    """Print what the files say, or every mistake; answers 0 when they can be used, else 1."""
    path: Path = args.path
    found: list[str] = []
    try:
        lines = _folder(path, found) if path.is_dir() else _file(path)
    except BadInput as mistakes:
        found += str(mistakes).splitlines()
    if found:
        print("\n".join(found))
        print(f"{path}: {len(found)} mistake(s) · {len(found)} 处错误", file=sys.stderr)
        return EXIT_NOT_DONE
    print("\n".join(lines))
    return 0


def _files() -> list[SiteFile]:
    return [file for capability in CAPABILITIES for file in capability.files]


def _folder(folder: Path, found: list[str]) -> list[str]:
    """The counts of a site's folder; the mistakes of all its files go to ``found``."""
    registry: Registry | None = None
    try:
        registry = load(folder)
    except BadInput as mistakes:
        found += str(mistakes).splitlines()
    for file in _files():
        if (folder / file.name).exists():
            try:
                file.check(folder / file.name, registry)
            except BadInput as mistakes:
                found += str(mistakes).splitlines()
    return _counts(registry) if registry is not None else []


def _file(path: Path) -> list[str]:
    """What one file says, besides the registry of its folder where there is one."""
    folder = path.parent
    registry = load(folder) if (folder / "communities.csv").exists() else None
    # A file's own name first: another one's pattern may fit it too.
    for file in sorted(_files(), key=lambda file: file.name != path.name):
        if fnmatch(path.name, file.pattern):
            return file.check(path, registry)
    names = " or ".join(file.name for file in _files())
    raise BadInput(f"{path}: not a file of a site's folder; name the folder, or its {names}")


def _counts(registry: Registry) -> list[str]:
    kinds = [device.kind for device in registry.devices.values()]
    doors = sum(len(registry.doors_of_device(d)) for d in registry.devices)
    return [
        f"{registry.site.name} ({registry.site.id}), {registry.site.zone.key}",
        f"communities 社区        {len(registry.communities)}",
        f"bins 智能箱体           {kinds.count(DeviceKind.BIN)}",
        f"collection points 收运点位  {kinds.count(DeviceKind.COLLECTION_POINT)}",
        f"doors 投口              {doors}",
        f"plain bins 分类投放桶    {len(registry.plain_bins)}",
    ]
