"""Ctrl-C, SIGTERM and a closed terminal end a command the same way: through its exits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

RETRY_DELAY_S = 0.05
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """Asked to end. Like KeyboardInterrupt it is not an error that a handler should swallow."""

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

    def swallowed(lost: sys.UnraisableHookArgs) -> None:
        # Python lets nothing out of a weak reference's callback or a __del__: a signal that came
        # just then would be forgotten.
        if isinstance(lost.exc_value, Ended):
            number = lost.exc_value.number
            signal.signal(signal.SIGALRM, lambda _alarm, frame: end(number, frame))
            signal.setitimer(signal.ITIMER_REAL, RETRY_DELAY_S)
        else:
            hook(lost)

    hook, sys.unraisablehook = sys.unraisablehook, swallowed
    handled = (*SIGNALS, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in handled}
    try:
        for number in SIGNALS:
            signal.signal(number, end)
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
