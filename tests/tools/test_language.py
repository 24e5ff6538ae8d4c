"""Strings, docstrings and pages are plain English: the list of turns is empty, and finds."""

from __future__ import annotations

import pytest

from tools.language import finds, finds_in


@pytest.mark.process
def test_no_turn_is_left() -> None:
    assert [f"{find.where}: {find.words} -> {find.plain}" for find in finds()] == []


@pytest.mark.parametrize(
    "text",
    [
        "whether who asks may change it",
        "'x' is no date; write 2026-11-24",
        "a value that is none of ours",
        "Begin a round; again is once.",
        "kept for ever",
        "after so many\n    failures",
        "the table beside the JSON",
        "Say what was met.",
        "an older code is good no more",
        "They wait, for nobody answers.",
        "an older one of it",
    ],
)
def test_a_turn_is_found(text: str) -> None:
    assert len(list(finds_in("here", text))) >= 1


@pytest.mark.parametrize(
    "text", ["There is no date.", "It is no longer read.", "no more than ten", "not forever"]
)
def test_plain_english_is_left_alone(text: str) -> None:
    assert list(finds_in("here", text)) == []
