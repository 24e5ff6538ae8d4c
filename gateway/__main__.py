"""``python -m gateway``: the older name of ``smartbin gateway`` and the operator's commands."""

from __future__ import annotations

import sys

from smartbin import __main__ as smartbin

main = smartbin.gateway

if __name__ == "__main__":
    sys.exit(main())
