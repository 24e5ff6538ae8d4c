"""Ctrl-C, SIGTERM and a closed terminal end a command the same way: through its exits."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """Asked to end. Like KeyboardInterrupt it is no error that a handler should swallow."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def status(self) -> int:
        """The exit status: a person's Ctrl-C is how these commands end, the others are told as a
        shell does.
        """
        return 0 if self.number == signal.SIGINT else 128 + self.number


@contextmanager
def ending() -> Iterator[None]:
    """Inside, the first of the signals raises Ended in the main thread. That holds even where
    SIGINT was ignored, as it is in a shell's background job; later signals are ignored, so that
    impatience leaves nothing half ended.
    """

    def end(number: int, _frame: object) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
