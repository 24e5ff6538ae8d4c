"""A socket that reads ahead, cuts MQTT 3.1.1 packets and gathers what is sent.

paho reads every packet with several small ``recv`` calls, builds a message object with a lock of
its own, and sends each PUBACK with a system call of its own. Here PUBLISH packets, nearly all of
the traffic, are cut straight out of large reads; every other packet is lent to paho, which keeps
the protocol's state. ``python -m tools.bench drain`` says what it is worth.
"""

from __future__ import annotations

import contextlib
import ssl
import struct
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

READ_MAX = 65_536
# Of a larger PUBLISH only so much is kept: the decoder refuses it anyway, memory stays bounded.
PUBLISH_MAX = 512 * 1024
# paho's packets (CONNACK, SUBACK, PINGRESP) are tiny: a longer one is not MQTT.
CONTROL_MAX = 64 * 1024
UNSENT_MAX = 1024 * 1024
LINGER_S = 1.0
_PUBLISH = 0x30
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Stream(Protocol):
    """A connected non-blocking socket, plain or TLS."""

    def recv(self, buffer_size: int, /) -> bytes:
        """What has arrived; b"" at the end."""

    def send(self, data: bytes, /) -> int:
        """How many bytes the kernel took."""

    def settimeout(self, timeout: float | None, /) -> None:
        """Wait at most this many seconds; 0 never waits."""

    def fileno(self) -> int:
        """The descriptor, for select."""

    def close(self) -> None:
        """End the connection."""


class Publish(NamedTuple):
    """An application message as it arrived. ``packet_id`` is 0 for QoS 0, which is never
    acknowledged.
    """

    topic: str
    payload: bytes
    packet_id: int
    retained: bool


class PacketSocket:
    """Stands between paho and the connection; waits for nothing but in ``close``.

    ``ended`` becomes true when the connection is over or its bytes are not MQTT; paho then reads
    the end of the stream and does what it does on a lost connection.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._data = b""
        self._pos = 0
        self._skip = 0
        self._lent = b""
        self._unsent = bytearray()
        self.ended = False

    def fill(self) -> bool:
        """Read once, at most READ_MAX bytes. False when nothing has arrived."""
        try:
            data = self._stream.recv(READ_MAX)
        except _WOULD_BLOCK:
            return False
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return False
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._data = self._data[self._pos :] + data[skipped:]
        self._pos = 0
        return True

    def publishes(self) -> list[Publish]:
        """Every complete PUBLISH up to the first packet of another kind."""
        found: list[Publish] = []
        data, pos, end = self._data, self._pos, len(self._data)
        while end - pos >= 2 and data[pos] & 0xF0 == _PUBLISH:
            start, length = self._head(data, pos)
            kept = start + min(length, PUBLISH_MAX)
            if length < 0 or kept > end:
                break
            publish = _publish(data, pos, start, kept)
            if publish is None:
                self.ended = True
                break
            found.append(publish)
            pos = min(start + length, end)
            self._skip = start + length - pos
        self._pos = pos
        return found

    def lend(self) -> bool:
        """Let paho's ``recv`` have the next packet, when a complete one that is not PUBLISH stands
        there.
        """
        data, pos, end = self._data, self._pos, len(self._data)
        if end - pos < 2 or data[pos] & 0xF0 == _PUBLISH:
            return False
        start, length = self._head(data, pos)
        if length > CONTROL_MAX:
            self.ended = True
        if not 0 <= length <= min(CONTROL_MAX, end - start):
            return False
        self._lent = data[pos : start + length]
        self._pos = start + length
        return True

    def _head(self, data: bytes, pos: int) -> tuple[int, int]:
        """Where the body of the packet at ``pos`` starts and how long it is; -1 while its header
        has not all arrived.
        """
        length = 0
        for n in range(4):
            at = pos + 1 + n
            if at >= len(data):
                return pos, -1
            length |= (data[at] & 0x7F) << (7 * n)
            if data[at] < 0x80:
                return at + 1, length
        self.ended = True  # the standard's length has at most four bytes
        return pos, -1

    def recv(self, buffer_size: int) -> bytes:
        """Paho reads the packet that it was lent, piece by piece."""
        if self._lent:
            piece, self._lent = self._lent[:buffer_size], self._lent[buffer_size:]
            return piece
        if self.ended:
            return b""
        raise BlockingIOError

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Send a PUBACK for each, together."""
        self._unsent += b"".join([struct.pack("!HH", 0x4002, number) for number in packet_ids])
        self.flush()

    def send(self, data: bytes | bytearray) -> int:
        """Take a whole packet of paho's, so that gathered ones never cut into it."""
        if len(self._unsent) > UNSENT_MAX:
            raise BlockingIOError
        self._unsent += data
        self.flush()
        return len(data)

    def flush(self) -> bool:
        """Send what the kernel takes. True when nothing is left."""
        try:
            while self._unsent and not self.ended:
                sent = self._stream.send(bytes(self._unsent))
                del self._unsent[:sent]
        except _WOULD_BLOCK:
            return False
        except OSError:
            self.ended = True
        return not self._unsent

    def fileno(self) -> int:
        """The descriptor, for select."""
        return self._stream.fileno()

    def setblocking(self, flag: bool) -> None:
        """Paho asks for a socket that never blocks."""
        self._stream.settimeout(None if flag else 0.0)

    def close(self) -> None:
        """Send what is left and read until the other side has closed, for LINGER_S at most.

        Closing over unread bytes resets the connection, and the broker would then throw away
        acknowledgements that it has not read yet.
        """
        until_s = time.monotonic() + LINGER_S
        with contextlib.suppress(OSError):
            if not self.ended:
                self._stream.settimeout(LINGER_S)
                self.flush()
            while not self.ended and time.monotonic() < until_s:
                self.ended = not self._stream.recv(READ_MAX)
        self._stream.close()


def _publish(data: bytes, pos: int, start: int, stop: int) -> Publish | None:
    """The PUBLISH whose header stands at ``pos`` and whose body is ``[start, stop)``; None when it
    is malformed or of QoS 2, which this program never subscribes with.
    """
    qos = data[pos] >> 1 & 3
    body = start + 2 + (data[start] << 8 | data[start + 1]) if stop - start >= 2 else stop + 1
    payload = body + 2 if qos else body
    if qos > 1 or payload > stop:
        return None
    topic = data[start + 2 : body].decode("utf-8", "backslashreplace")
    packet_id = data[body] << 8 | data[body + 1] if qos else 0
    return Publish(topic, data[payload:stop], packet_id, bool(data[pos] & 1))
