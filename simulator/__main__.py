"""``python -m simulator``: the older name of ``smartbin simulate`` and ``smartbin demo``."""

from __future__ import annotations

import sys

from smartbin import __main__ as smartbin

main = smartbin.simulator

if __name__ == "__main__":
    sys.exit(main())
