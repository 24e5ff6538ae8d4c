"""A TCP relay of our own before a server: it drops, delays, or lets connections die unnoticed."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from contextlib import suppress

TCP_REPAIR = 19  # linux/tcp.h: in this mode a socket closes without a word to its peer
NOW_AND_HARD = struct.pack("ii", 1, 0)


def can_vanish() -> bool:
    """Whether this process may close a connection without its peer's knowing (needs root)."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        return True
    return False


class Proxy:
    """Relays to ``target``. ``delay_s`` holds every piece up; ``cut`` ends all connections and
    refuses new ones; ``vanish`` makes the connections half-open, and new ones get no answer.
    """

    def __init__(self, target: int) -> None:
        self.delay_s = 0.0
        self._target, self._mode = target, "pass"
        self._server = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port: int = self._server.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._ended = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """The network says no: resets."""
        self._mode = "cut"
        for end in self._taken():
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW_AND_HARD)
            _close(end)

    def vanish(self) -> None:
        """The network says nothing: both ends believe in a connection that is gone."""
        self._mode = "silent"
        self._forget()

    def _forget(self) -> None:
        for end in self._taken():
            with suppress(OSError):
                end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            end.close()

    def mend(self) -> None:
        """As a network should be; who was left without an answer has to find out."""
        if self._mode == "silent":
            self._forget()
        self.delay_s, self._mode = 0.0, "pass"

    def close(self) -> None:
        self._ended = True
        self.cut()
        self._server.close()

    def _taken(self) -> list[socket.socket]:
        with self._lock:
            taken, self._open = list(self._open), set()
        return taken

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self._mode == "pass":
                    threading.Thread(target=self._serve, args=(client,), daemon=True).start()
                elif self._mode == "cut":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW_AND_HARD)
                    client.close()
                else:
                    with self._lock:
                        self._open.add(client)  # nobody reads it

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target), 5)
        except OSError:
            _close(client)
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, server}
        self._relay(client, server)
        with self._lock:
            mine = {client, server} & self._open
            self._open -= mine
        for end in mine:
            _close(end)

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        """Until one end closes. ``select`` with a limit, so that a thread sees its sockets go."""
        with suppress(OSError, ValueError, KeyError), selectors.DefaultSelector() as selector:
            for pair in ((client, server), (server, client)):
                selector.register(pair[0], selectors.EVENT_READ, pair)
            while client in self._open and not self._ended:
                for key, _ in selector.select(0.1):
                    if not (data := key.data[0].recv(65536)):
                        return
                    if self.delay_s:
                        time.sleep(self.delay_s)
                    key.data[1].sendall(data)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
