"""The telemetry store as the gateway holds it: waited for at the start, and opened anew when its
token has been mended, so that no restart is needed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Self

from gateway.meters import Meters
from gateway.pipeline import Stopped
from smartbin.core.errors import BadInput, StoreUnavailable
from smartbin.facts.events import Fact
from smartbin.telemetry import TelemetryWriter

RETRY_DELAY_S = 2.0
log = logging.getLogger(__name__)


class Telemetry:
    """A writing half that outlives its token. ``token`` reads the setting (a file may have changed)
    and ``open`` opens the store with it.
    """

    def __init__(
        self, open: Callable[[str | None], TelemetryWriter], token: Callable[[], str | None]
    ) -> None:
        self._open = open
        self._token = token
        self._used = token()
        self._writer = open(self._used)
        self._failed = False

    @classmethod
    def waited_for(
        cls,
        open: Callable[[str | None], TelemetryWriter],
        token: Callable[[], str | None],
        meters: Meters,
        stop: threading.Event,
    ) -> Self:
        """The store, once it is there: services start in any order. Raises Stopped, BadInput."""
        while not stop.is_set():
            try:
                opened = cls(open, token)
            except StoreUnavailable as error:
                meters.blocked("telemetry", str(error))
                log.warning("%s; trying again", error)
                stop.wait(RETRY_DELAY_S)
            else:
                meters.unblocked()
                return opened
        raise Stopped

    def append(self, facts: Sequence[Fact]) -> None:
        """See the port."""
        if self._failed:
            self._mend()
        self._failed = True
        self._writer.append(facts)
        self._failed = False

    def _mend(self) -> None:
        try:
            if (token := self._token()) == self._used:
                return
            fresh = self._open(token)
        except BadInput as error:  # the file is being written
            raise StoreUnavailable(str(error)) from error
        self._writer.close()
        self._writer, self._used = fresh, token

    def close(self) -> None:
        """Release what was opened."""
        self._writer.close()
