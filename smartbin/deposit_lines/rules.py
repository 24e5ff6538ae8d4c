"""When a device's word comes too late to be believed by itself."""

from __future__ import annotations

LATE_US = 7 * 24 * 3_600_000_000
"""A deposit that arrives later than this after it happened waits for a person."""


def late(at_us: int, arrived_us: int | None) -> bool:
    """Whether a deposit's line came too late; a line of before arrivals were kept did not."""
    return arrived_us is not None and arrived_us - at_us > LATE_US
