"""``python -m simulator.embedded_broker PORT``: iotcore's broker with room for our batches.

It keeps persistent sessions and redelivers what was not acknowledged, but in memory only. It ends
when its standard input closes, so it does not outlive whoever started it.
"""

from __future__ import annotations

import os
import sys
import threading

from iotcore import IotCoreBroker

from smartbin.wire import MAX_PAYLOAD_BYTES


def main() -> None:
    """Serve until terminated."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    IotCoreBroker(
        listen="127.0.0.1", port=int(sys.argv[1]), max_payload_size=MAX_PAYLOAD_BYTES + 4096
    ).run_forever()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
