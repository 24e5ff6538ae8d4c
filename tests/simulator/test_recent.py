"""What a device keeps of what the broker has acknowledged, and for how long."""

from __future__ import annotations

from simulator.recent import BYTES_MAX, REPEAT_S, RecentMessages, SentMessage


def said(n: int, size: int = 1) -> SentMessage:
    return SentMessage(f"t/{n}", b"x" * size, False)


def topics(found: list[SentMessage]) -> list[str]:
    return [message.topic for message in found]


def test_two_minutes_are_kept_and_taken_once() -> None:
    recent = RecentMessages()
    for n in range(300):
        recent.keep(said(n), float(n))
    assert topics(recent.take(299 - REPEAT_S)) == [f"t/{n}" for n in range(179, 300)]
    assert recent.take(0) == []


def test_a_repetition_is_as_old_as_what_it_repeats() -> None:
    recent = RecentMessages()
    recent.keep(said(1), 1000.0)
    (again,) = recent.take(0)
    recent.keep(again, 1100.0)
    recent.keep(said(2), 1100.0)
    assert topics(recent.take(1121 - REPEAT_S)) == ["t/2"]


def test_memory_is_bounded_and_the_newest_stay() -> None:
    recent = RecentMessages()
    for n in range(100):
        recent.keep(said(n, BYTES_MAX // 10), 5.0)
    assert topics(recent.take(0)) == [f"t/{n}" for n in range(90, 100)]
    recent.keep(said(1, BYTES_MAX + 1), 5.0)
    recent.keep(said(2), 5.0)
    assert topics(recent.take(0)) == ["t/2"]


def test_what_is_old_does_not_wait_for_a_reconnect_to_go() -> None:
    recent = RecentMessages()
    for n in range(100_000):
        recent.keep(said(n), float(n))
    assert len(recent.take(0)) == REPEAT_S + 1
