"""The wire format: MQTT bytes to facts and back. docs/wire-format.md is its text and its test data.

Topic ``smartbin/v1/{site}/{device}/{kind}``; the device is taken from the topic only, because the
broker's access list vouches for it. Payloads are JSON in UTF-8.
"""

from smartbin.facts.wire.decode import REASONS, Decoded, Decoder, Rejected, is_last_will
from smartbin.facts.wire.encode import batch_of, event_of, kind_of, payload_of, topic_of
from smartbin.facts.wire.messages import MAX_BATCH, MAX_PAYLOAD_BYTES, MESSAGES, ROOT

__all__ = [
    "MAX_BATCH",
    "MAX_PAYLOAD_BYTES",
    "MESSAGES",
    "REASONS",
    "ROOT",
    "Decoded",
    "Decoder",
    "Rejected",
    "batch_of",
    "event_of",
    "is_last_will",
    "kind_of",
    "payload_of",
    "topic_of",
]
