"""What is remembered is at most a minute old, and bounded."""

from __future__ import annotations

from collections.abc import Callable

from api.recent import KEEP_US, MOST, RecentAnswers


def test_remembered_for_a_minute_and_no_longer() -> None:
    recent, made = RecentAnswers(), list[str]()

    def make(value: str) -> Callable[[], str]:
        def made_now() -> str:
            made.append(value)
            return value

        return made_now

    assert recent.of("key", 1000, make("a")) == ("a", 1000)
    assert recent.of("key", 1000 + KEEP_US, make("b")) == ("a", 1000)
    assert recent.of("key", 1001 + KEEP_US, make("c")) == ("c", 1001 + KEEP_US)
    assert recent.of("key", 0, make("d")) == ("d", 0), "a clock that was set back"
    assert recent.of("other", 0, make("e")) == ("e", 0)
    assert made == ["a", "c", "d", "e"]


def test_the_oldest_is_forgotten() -> None:
    recent = RecentAnswers()
    for n in range(MOST + 1):
        recent.of(n, 0, lambda n=n: n)  # type: ignore[misc]
    assert recent.of(1, 0, lambda: -1) == (1, 0)
    assert recent.of(0, 0, lambda: -1) == (-1, 0)
