"""A message as the broker hands it over, and where messages come from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Delivery(NamedTuple):
    """A message as it came: ``packet_id`` (0 for QoS 0) is the broker's on that ``connection``
    only; ``retained`` when the broker had kept it for new subscribers.
    """

    topic: str
    payload: bytes
    received_at_us: int
    packet_id: int
    connection: int
    retained: bool


class MessageSource(Protocol):
    """Where messages come from (``gateway.mqtt.Session``)."""

    def receive(self, batch_max: int, wait_s: float) -> list[Delivery]:
        """What is there, waiting at most ``wait_s`` for the first."""

    def idle(self, wait_s: float) -> None:
        """Let time pass while the connection is kept alive."""

    def ack(self, deliveries: Iterable[Delivery]) -> None:
        """The broker may forget these."""
