"""``python -m smartbin.operator.check check FOLDER``: the counts, or every mistake."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from smartbin.core.errors import BadInput
from smartbin.places import DeviceKind
from smartbin.places.load import load
from smartbin.sorting.rules import limits


def main(argv: list[str] | None = None) -> int:
    """Check a site's folder; 0 when it can be used, 1 when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m smartbin.operator.check")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="print the counts, or every mistake")
    check.add_argument("folder", type=Path)
    folder: Path = parser.parse_args(argv).folder
    try:
        registry = load(folder)
        limits.load(folder)
    except BadInput as mistakes:
        print(mistakes)
        count = len(str(mistakes).splitlines())
        print(f"{folder}: {count} mistake(s) · {count} 处错误", file=sys.stderr)
        return 1
    kinds = [device.kind for device in registry.devices.values()]
    doors = sum(len(registry.doors_of_device(d)) for d in registry.devices)
    print(f"{registry.site.name} ({registry.site.id}), {registry.site.zone.key}")
    print(f"communities 社区        {len(registry.communities)}")
    print(f"bins 智能箱体           {kinds.count(DeviceKind.BIN)}")
    print(f"collection points 收运点位  {kinds.count(DeviceKind.COLLECTION_POINT)}")
    print(f"doors 投口              {doors}")
    print(f"plain bins 分类投放桶    {len(registry.plain_bins)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
