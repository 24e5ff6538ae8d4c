"""A socket that reads ahead and gathers writes, behind paho's many small calls.

paho 2.2 reads a packet with several small ``recv`` calls and sends each PUBACK with a system call
of its own. Behind this the same loop drains a backlog about twice as fast (`make bench`).
"""

from __future__ import annotations

import socket
import ssl

READ_BYTES = 256 * 1024


class ReadAhead:
    """Wraps a non-blocking socket (TLS or not) with the few methods paho uses."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._in = b""
        self._at = 0
        self._out = bytearray()
        self._gathering = False

    def recv(self, count: int) -> bytes:
        """Up to ``count`` bytes, from what was read ahead when there is any."""
        if self._at == len(self._in):
            self._in, self._at = self._inner.recv(READ_BYTES), 0
        chunk = self._in[self._at : self._at + count]
        self._at += len(chunk)
        return chunk

    def pending(self) -> int:
        """Bytes that can be had although ``select`` would not say so."""
        below = self._inner.pending() if isinstance(self._inner, ssl.SSLSocket) else 0
        return len(self._in) - self._at + below

    def send(self, data: bytes | bytearray) -> int:
        """Take all of ``data``; it goes out now, or with the gathered rest in ``flush``."""
        self._out += data
        if not self._gathering:
            self.flush()
        return len(data)

    def gather(self) -> None:
        """Hold writes back until ``flush``."""
        self._gathering = True

    def flush(self) -> None:
        """Send what waits, as far as the peer takes it now."""
        self._gathering = False
        while self._out:
            try:
                sent = self._inner.send(self._out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            del self._out[:sent]

    def unsent(self) -> int:
        """How many bytes wait for the peer."""
        return len(self._out)

    def fileno(self) -> int:
        """The file descriptor, for ``select``."""
        return self._inner.fileno()

    def setblocking(self, flag: bool) -> None:
        """As a socket's."""
        self._inner.setblocking(flag)

    def close(self) -> None:
        """As a socket's."""
        self._inner.close()
