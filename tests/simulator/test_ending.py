"""A signal ends a command wherever it strikes."""

from __future__ import annotations

import os
import signal
import time
import weakref

import pytest

from simulator.ending import SIGNALS, Ended, ending
from tests.real import patient_s

HANDLED = (*SIGNALS, signal.SIGALRM)


class Thing:
    """Something that a weak reference may point to."""


def struck_in_a_callback(number: signal.Signals) -> None:
    """The handler runs, and raises, where Python lets nothing out."""
    thing = Thing()
    watch = weakref.ref(thing, lambda _: os.kill(os.getpid(), number))
    del thing
    assert watch() is None
    time.sleep(patient_s(5))  # the deadline: what was asked for ends this wait long before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_python_would_swallow_is_not_forgotten(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in HANDLED]
    with pytest.raises(Ended) as ended, ending():
        struck_in_a_callback(number)
    assert ended.value.number == number
    assert [signal.getsignal(each) for each in HANDLED] == before
