"""The socket that reads ahead: partial reads, short writes, TLS, and bytes that are no MQTT."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.packets import PUBLISH_MAX, READ_MAX, UNSENT_MAX, PacketSocket, Publish
from tests.real import patient_s, program

PINGRESP = b"\xd0\x00"


def encoded(topic: str, payload: bytes, packet_id: int, *, retained: bool = False) -> bytes:
    """A PUBLISH as section 3.3 of MQTT 3.1.1 writes it."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name
    if packet_id:
        body += struct.pack("!H", packet_id)
    body += payload
    first = 0x30 | (2 if packet_id else 0) | (1 if retained else 0)
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length += bytes([digit | (0x80 if rest else 0)])
        if not rest:
            return bytes([first]) + length + body


class Pieces:
    """A connection whose bytes come in given pieces and that takes only so many at once."""

    def __init__(self, pieces: list[bytes], takes: Iterator[int] | None = None) -> None:
        self.pieces = pieces
        self.takes = takes
        self.sent = b""
        self.closed = False

    def recv(self, buffer_size: int, /) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        piece, self.pieces[0] = self.pieces[0][:buffer_size], self.pieces[0][buffer_size:]
        if not self.pieces[0]:
            self.pieces.pop(0)
        return piece

    def send(self, data: bytes, /) -> int:
        taken = len(data) if self.takes is None else next(self.takes)
        if not taken:
            raise BlockingIOError
        self.sent += data[:taken]
        return min(taken, len(data))

    def settimeout(self, timeout: float | None, /) -> None:
        pass

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.closed = True


def read_all(packets: PacketSocket) -> tuple[list[Publish], bytes]:
    """Everything cut, and everything that paho was lent."""
    found: list[Publish] = []
    lent = b""
    while packets.fill():
        while True:
            found += packets.publishes()
            if not packets.lend():
                break
            while (byte := paho_reads(packets)) is not None:
                lent += byte
    return found, lent


def paho_reads(packets: PacketSocket) -> bytes | None:
    try:
        return packets.recv(1)
    except BlockingIOError:
        return None


publishes = st.builds(
    Publish, st.text(min_size=1, max_size=20), st.binary(max_size=300), st.integers(0, 65535),
    st.booleans(),
)  # fmt: skip


@given(st.lists(publishes | st.just(None), max_size=12), st.data())
def test_packets_are_the_same_however_the_bytes_are_cut(
    wanted: list[Publish | None], data: st.DataObject
) -> None:
    stream = b"".join(
        PINGRESP if p is None else encoded(p.topic, p.payload, p.packet_id, retained=p.retained)
        for p in wanted
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    ends = [*cuts, len(stream)]
    pieces = [stream[a:b] for a, b in zip([0, *ends], ends, strict=False) if a < b]
    found, lent = read_all(PacketSocket(Pieces(pieces)))
    assert found == [p for p in wanted if p is not None]
    assert lent == PINGRESP * wanted.count(None)


def test_a_publish_waits_for_the_packet_before_it() -> None:
    packets = PacketSocket(Pieces([PINGRESP + encoded("t", b"x", 1)]))
    assert packets.fill()
    assert packets.publishes() == []
    assert packets.lend()
    assert packets.publishes() == [Publish("t", b"x", 1, False)]


def test_a_huge_message_is_cut_and_what_follows_is_whole() -> None:
    huge = encoded("t", b"x" * (3 * PUBLISH_MAX), 7) + encoded("t", b"next", 8)
    pieces = [huge[n : n + READ_MAX] for n in range(0, len(huge), READ_MAX)]
    (first, second), _ = read_all(PacketSocket(Pieces(pieces)))
    assert (first.packet_id, set(first.payload)) == (7, {ord("x")})
    assert PUBLISH_MAX - 10 < len(first.payload) < PUBLISH_MAX
    assert second == Publish("t", b"next", 8, False)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x32\x03\x00\x09t",  # a topic longer than its packet
        b"\x32\x03\x00\x01t",  # no room for the packet id
        b"\x34\x05\x00\x01t\x00\x01",  # QoS 2 was never asked for
        b"\x90\xff\xff\x7f",  # a control packet of two megabytes
    ],
)
def test_bytes_that_are_no_mqtt_end_the_connection(garbage: bytes) -> None:
    packets = PacketSocket(Pieces([garbage]))
    assert read_all(packets) == ([], b"")
    assert packets.ended
    assert packets.recv(1) == b""


def test_a_topic_that_is_not_utf8_is_shown() -> None:
    packets = PacketSocket(Pieces([b"\x30\x05\x00\x02\xff\xfex"]))
    assert read_all(packets)[0] == [Publish("\\xff\\xfe", b"x", 0, False)]


@given(st.lists(st.integers(0, 9), min_size=1))
def test_short_writes_lose_and_reorder_nothing(takes: list[int]) -> None:
    stream = Pieces([], iter([*takes, *[10] * 100]))
    packets = PacketSocket(stream)
    packets.acknowledge([1, 2, 65535])
    packets.send(b"\xc0\x00")
    while not packets.flush():
        pass
    assert stream.sent == b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\xff\xff\xc0\x00"


def test_bytes_that_come_one_by_one_are_packets_when_they_are_whole() -> None:
    stream = encoded("t", b"x" * 300, 7) + PINGRESP + encoded("t", b"", 8)
    found, lent = read_all(PacketSocket(Pieces([bytes([byte]) for byte in stream])))
    assert found == [Publish("t", b"x" * 300, 7, False), Publish("t", b"", 8, False)]
    assert lent == PINGRESP


def test_what_paho_says_waits_while_the_kernel_takes_nothing() -> None:
    stream = Pieces([], iter([0] * 10 + [10**9] * 10))
    packets = PacketSocket(stream)
    packets.send(b"\xc0" * (UNSENT_MAX + 1))
    with pytest.raises(BlockingIOError):
        packets.send(b"\xd0")
    while not packets.flush():
        pass
    packets.send(b"\xd0")
    assert stream.sent == b"\xc0" * (UNSENT_MAX + 1) + b"\xd0"


def test_a_connection_that_breaks_while_sending_has_ended() -> None:
    left, right = socket.socketpair()
    right.close()
    packets = PacketSocket(left)
    packets.acknowledge([1])
    packets.flush()
    assert packets.ended
    packets.close()


def test_the_end_of_the_stream_reaches_paho() -> None:
    left, right = socket.socketpair()
    left.setblocking(False)
    packets = PacketSocket(left)
    assert not packets.fill()
    with pytest.raises(BlockingIOError):
        packets.recv(1)
    right.close()
    assert not packets.fill()
    assert packets.recv(1) == b""
    packets.close()


def test_acknowledgements_survive_a_close_over_unread_bytes() -> None:
    """A close over unread bytes would reset the connection and destroy what was sent."""
    left, right = socket.socketpair()
    right.sendall(b"x" * 1000)
    packets = PacketSocket(left)
    packets.setblocking(False)
    packets.acknowledge([1])
    heard: list[bytes] = []

    def broker() -> None:
        heard.append(right.recv(4))
        right.close()

    thread = threading.Thread(target=broker)
    thread.start()
    packets.close()
    thread.join(patient_s(5))
    assert heard == [b"\x40\x02\x00\x01"]


@pytest.mark.process
def test_over_tls(tmp_path: Path) -> None:
    """What TLS has decrypted and select cannot see is read."""
    openssl = program("openssl", "apt-get install openssl")
    made = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {tmp_path}/key.pem -out {tmp_path}/cert.pem"
    )
    subprocess.run([openssl, *made.split()], check=True, capture_output=True)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    left, right = socket.socketpair()
    wanted = [Publish("t", bytes([n]) * 3000, n, False) for n in range(1, 100)]
    heard: list[bytes] = []

    def broker() -> None:
        with server_side.wrap_socket(right, server_side=True) as tls:
            tls.sendall(b"".join(encoded(p.topic, p.payload, p.packet_id) for p in wanted))
            heard.append(tls.recv(4))

    thread = threading.Thread(target=broker)
    thread.start()
    trusted = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    packets = PacketSocket(trusted.wrap_socket(left, server_hostname="localhost"))
    packets.setblocking(False)
    found: list[Publish] = []
    while len(found) < len(wanted):
        found += read_all(packets)[0]
    assert found == wanted
    packets.acknowledge([5])
    thread.join(patient_s(5))
    assert heard == [b"\x40\x02\x00\x05"]
    packets.close()
