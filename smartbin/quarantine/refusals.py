"""How many messages were refused, by device, reason and day: what the quarantine's files hold,
counted once. A file that grew is read on from where it ended, one that was replaced is read again.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import StoreUnavailable
from smartbin.quarantine.store import Quarantine, QuarantinedMessage

# A device's name comes from a stranger's topic: more kinds than this are counted as one.
KINDS_MAX = 50_000


class Refusal(NamedTuple):
    """What is counted: the device a topic names ("" for none), the reason, and the site's day of
    receiving it.
    """

    device: str
    reason: str
    day: date


OTHERS = Refusal("", "others", date.min)


@dataclass(slots=True)
class _File:
    """What is known of one file: which it is, up to where it was read, the line that ends there,
    and its counts.
    """

    inode: int
    read_bytes: int = 0
    last: bytes = b""
    counts: Counter[Refusal] = field(default_factory=Counter)


class RefusalCounts:
    """The counts of one quarantine, kept up to date at each question. Any number of threads.
    Raises StoreUnavailable when it cannot be read.
    """

    def __init__(self, folder: Path, zone: ZoneInfo) -> None:
        self._folder = folder
        self._quarantine = Quarantine(folder)
        self._zone = zone
        self._files: dict[Path, _File] = {}
        self._lock = threading.Lock()

    def counts(self) -> Counter[Refusal]:
        """Everything that is in quarantine now."""
        with self._lock:
            self._refresh()
            return sum((file.counts for file in self._files.values()), Counter())

    def of(self, devices: Iterable[str], days: Days) -> int:
        """How many messages of these devices were refused on these days."""
        named = set(devices)
        with self._lock:
            self._refresh()
            return sum(
                messages
                for file in self._files.values()
                for refusal, messages in file.counts.items()
                if refusal.device in named and refusal.day in days
            )

    def _refresh(self) -> None:
        try:
            self._look()
        except OSError as error:
            raise StoreUnavailable(f"quarantine {self._folder}: {error.strerror}") from error

    def _look(self) -> None:
        paths = self._quarantine.files()
        for gone in self._files.keys() - set(paths):
            del self._files[gone]
        for path in paths:
            try:
                stat = path.stat()
            except FileNotFoundError:
                self._files.pop(path, None)
                continue
            known = self._files.get(path)
            if known is None or known.inode != stat.st_ino or known.read_bytes > stat.st_size:
                known = self._files[path] = _File(stat.st_ino)
            if known.read_bytes < stat.st_size:
                self._read_on(path, known)

    def _read_on(self, path: Path, known: _File) -> None:
        kinds = sum(len(file.counts) for file in self._files.values())
        with path.open("rb") as lines:
            lines.seek(known.read_bytes - len(known.last))
            if lines.read(len(known.last)) != known.last:  # another file under an old number
                self._files[path] = known = _File(os.fstat(lines.fileno()).st_ino)
                lines.seek(0)
            for line in lines:
                if not line.endswith(b"\n"):
                    return  # being written, or torn
                refusal = self._refusal(
                    QuarantinedMessage.of(line.decode("utf-8", "backslashreplace"))
                )
                if refusal not in known.counts:
                    kinds += 1
                known.counts[refusal if kinds <= KINDS_MAX else OTHERS] += 1
                known.read_bytes += len(line)
                known.last = line

    def _refusal(self, kept: QuarantinedMessage) -> Refusal:
        day = calendar.day_of(kept.rejected.received_at_us, self._zone)
        return Refusal(kept.device, kept.rejected.reason, day)
