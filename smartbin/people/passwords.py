"""Passwords and one-time codes: kept as argon2id (RFC 9106, low-memory profile of argon2-cffi)."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from smartbin.core.errors import BadInput, StoreUnavailable

LENGTH_MIN, LENGTH_MAX = 10, 200
# Of zxcvbn's 0 to 4: "safely unguessable", over 10^8 guesses; a sign-in allows 1,440 a day.
SCORE_MIN = 3
OWN_MIN = 6  # characters besides the name and the site's words
_JUDGED_MAX = 72  # what zxcvbn looks at; a longer password is at least as good
PARAMETERS = profiles.RFC_9106_LOW_MEMORY
# A hash takes 64 MiB and tens of milliseconds: a flood of sign-ins must fill neither the memory
# nor every thread.
AT_ONCE, WAITING = 2, 16
WAIT_S = 10.0


class Passwords:
    """Hashes and verifies; one for the whole process."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(PARAMETERS)
        self._turn = _Turn()
        self._nobodys: str | None = None

    def hash(self, secret: str) -> str:
        """What to keep of a secret."""
        with self._turn:
            return self._hasher.hash(_typed(secret))

    def verify(self, kept: str | None, secret: str) -> bool:
        """Whether this is the secret. Without one to compare with it takes as long: how long an
        answer takes must not tell who exists.
        """
        with self._turn:
            if self._nobodys is None:
                self._nobodys = self._hasher.hash("nobody")
            try:
                return (
                    self._hasher.verify(kept or self._nobodys, _typed(secret)) and kept is not None
                )
            except (VerifyMismatchError, InvalidHashError):
                return False

    def outdated(self, kept: str) -> bool:
        """Whether the parameters have grown since this was hashed."""
        return self._hasher.check_needs_rehash(kept)


class _Turn:
    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def __enter__(self) -> None:
        if self._places.acquire(blocking=False):
            if self._turns.acquire(timeout=WAIT_S):
                return
            self._places.release()
        raise StoreUnavailable("too many people sign in at once")

    def __exit__(self, *_: object) -> None:
        self._turns.release()
        self._places.release()


def _typed(secret: str) -> str:
    """However a keyboard writes it: full-width digits and letters are the usual ones."""
    return unicodedata.normalize("NFKC", secret)


def check_strength(name: str, password: str, words: Sequence[str] = ()) -> None:
    """Refuse a password that is short, common or easy to guess (NIST SP 800-63B: length and lists
    count, rules of composition do not). ``words`` are the site's, which are guessed first.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise BadInput(f"password: {LENGTH_MIN} to {LENGTH_MAX} characters; choose a longer phrase")
    # Its lists of the 30,000 commonest passwords and of words take a while to read.
    from zxcvbn import zxcvbn

    known = [name, *words, "smartbin"]
    typed = _typed(password)
    rest = typed.casefold()
    for word in sorted({word.casefold() for word in known if len(word) > 1}, key=len, reverse=True):
        rest = rest.replace(word, "")
    judged = zxcvbn(typed[:_JUDGED_MAX], user_inputs=known)
    if len(rest.strip()) < OWN_MIN or judged["score"] < SCORE_MIN:
        raise BadInput(
            "password: too easy to guess: it is common, a pattern, or made of the site's or your "
            "name; choose several words that do not belong together"
        )
