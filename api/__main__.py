"""``python -m api``: the older name of ``smartbin api`` and the office's commands."""

from __future__ import annotations

import sys

from smartbin import __main__ as smartbin

main = smartbin.api

if __name__ == "__main__":
    sys.exit(main())
