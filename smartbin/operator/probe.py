"""``python -m smartbin.operator.probe URL``: asks a program whether it is well, for health checks.

Slim images hold no curl. The answer's sentence is printed, so that the engine's health log says
why; the exit status is 0 when the answer is 200.
"""

from __future__ import annotations

import http.client
import ssl
import sys
from urllib.parse import urlsplit

TIMEOUT_S = 5.0


def probe(url: str) -> tuple[int, str]:
    """The status and first line of the answer; 0 and the reason when there is none."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # The program that asks stands beside the one that answers: no certificate proves more.
        trusting = ssl._create_unverified_context()  # noqa: S323 - see above
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=trusting)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        said = answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"no answer from {url}: {error}"
    finally:
        connection.close()
    return answer.status, said.strip().partition("\n")[0]


def main(argv: list[str]) -> int:
    """Print the answer; returns the exit status."""
    if len(argv) != 1:
        sys.stderr.write("usage: python -m smartbin.operator.probe URL\n")
        return 2
    status, said = probe(argv[0])
    sys.stdout.write(f"{said}\n")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
