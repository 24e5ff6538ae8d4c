"""A small relay before an HTTP server: passes everything on, or answers 503 for a while."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.real import free_port

BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b'Content-Length: 22\r\nConnection: close\r\n\r\n{"message":"too busy"}'
)


class Relay:
    """Listens on ``port``; ``busy`` makes it answer 503."""

    def __init__(self, target: int) -> None:
        self.busy = False
        self.refused = 0
        self._target = target
        self._server = socket.create_server(("127.0.0.1", free_port()))
        self.port: int = self._server.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def fail(self) -> None:
        """From now on 503; connections that are open end."""
        self.busy = True
        self._end()

    def mend(self) -> None:
        self.busy = False

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._end()

    def _end(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self.busy:
                self._answer_busy(client)
                return
            with socket.create_connection(("127.0.0.1", self._target), 5) as server:
                server.settimeout(None)
                self._open |= {client, server}
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()
                self._open -= {client, server}

    def _answer_busy(self, client: socket.socket) -> None:
        """Read the whole request first, or the client sees a reset instead of the answer."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (some := client.recv(65536)):
                return
            data += some
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ),
            0,
        )
        left = length - len(body)
        while left > 0 and (some := client.recv(65536)):
            left -= len(some)
        self.refused += 1
        client.sendall(BUSY)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65536):
            sink.sendall(some)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
