"""``python -m simulator.embedded_broker PORT``: iotcore's broker with room for our batches.

It keeps persistent sessions and redelivers what was not acknowledged, but in memory only.
"""

from __future__ import annotations

import sys

from iotcore import IotCoreBroker

from smartbin.facts.wire import MAX_PAYLOAD_BYTES


def main() -> None:
    """Serve until terminated."""
    IotCoreBroker(
        listen="127.0.0.1", port=int(sys.argv[1]), max_payload_size=MAX_PAYLOAD_BYTES + 4096
    ).run_forever()


if __name__ == "__main__":
    main()
