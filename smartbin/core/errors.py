"""The few errors that cross rooms, typed by what the caller should do."""

from __future__ import annotations

from collections.abc import Sequence

from smartbin.core.printable import printable


class StoreUnavailable(Exception):
    """The store cannot take or answer this now; any part of a write may have happened. Repeat the
    call later.
    """


class StoreRefused(Exception):
    """The store will never take this content. Set it aside; ``reason`` is the store's own word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConstraintViolated(StoreRefused):
    """Another row stands against this content, mostly one of the same key."""


class SecondTelling(Exception):
    """Some of what was given differs from a stored fact of the same identity: the first telling
    stands as a whole. All else was stored; ``facts`` are those that were not.
    """

    def __init__(self, facts: Sequence[object]) -> None:
        super().__init__(f"{len(facts)} facts differ from stored facts of the same identity")
        self.facts = facts


class UnknownPlace(LookupError):
    """A community, device or door that the registry does not have; ``nearest`` are known names
    that look alike.
    """

    def __init__(self, field: str, value: str, nearest: tuple[str, ...] = ()) -> None:
        hint = f"; did you mean {', '.join(nearest)}?" if nearest else ""
        super().__init__(f"{field}: {value!r} is not in the registry{hint}")
        self.field = field
        self.value = value
        self.nearest = nearest


class BadInput(ValueError):
    """A person or a program gave something wrong: one sentence a line that names the field, the
    reason and the remedy; whatever it quotes is fit to be printed.
    """

    def __init__(self, sentences: str) -> None:
        super().__init__(printable(sentences, keep="\n"))


class Refused(Exception):
    """The request is understood and cannot be carried out: ``kind`` names why for
    programs, the sentence gives the reason and the remedy, ``more`` what a caller may show.
    """

    def __init__(self, kind: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.kind = kind
        self.more = more


class NotFound(Refused):
    """There is no such account, reward or redemption."""


class Conflict(Refused):
    """It stands against what is already so: too few points, no stock, an id used before."""
