"""``python -m smartbin.points check FILE``: the tariff in sentences, or every mistake."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from pathlib import Path

from smartbin.core.errors import BadInput
from smartbin.places.load import load
from smartbin.points.rules.describe import describe
from smartbin.points.rules.load import load_tariffs


def main(argv: list[str] | None = None) -> int:
    """Check a tariff; 0 when it can be used, 1 when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m smartbin.points")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="print the tariff in sentences, or every mistake")
    check.add_argument("file", type=Path)
    file: Path = parser.parse_args(argv).file
    try:
        tariffs = load_tariffs(file, _communities(file.parent))
    except BadInput as mistakes:
        print(mistakes)
        count = len(str(mistakes).splitlines())
        print(f"{file}: {count} mistake(s) · {count} 处错误", file=sys.stderr)
        return 1
    for text in describe(tariffs):
        print(text.zh)
        print(text.en)
    return 0


def _communities(folder: Path) -> Collection[str] | None:
    """Those of the registry beside the tariff, where there is one."""
    if not (folder / "communities.csv").exists():
        return None
    return load(folder).communities


if __name__ == "__main__":
    sys.exit(main())
