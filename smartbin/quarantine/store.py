"""Quarantine: every refused message, whole, in bounded files of JSON lines.

Every device has a share of its own, so that no sender takes what the others need. Beyond it a
device's refusals are counted, a sample of them is kept, and all are acknowledged.

The gateway writes it, the API counts it; so its form lives here and not in the gateway. A message
is durable here before it is acknowledged, and a redelivered one is not kept twice.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from smartbin.core.errors import StoreUnavailable
from smartbin.facts.wire import Rejected

FILE_BYTES_MAX = 16 * 1024 * 1024
FILES_MAX = 16
UNREADABLE = frozenset({"too_large", "bad_utf8", "bad_json"})
"""Reasons for which nothing can be replayed: of a long payload the beginning and a digest say
enough."""
UNREADABLE_BYTES_MAX = 4096
OTHER = "other"
"""The sender of what names no device of the registry."""


@dataclass(frozen=True, slots=True)
class QuarantinedMessage:
    """A refused message under the id that its content gives it."""

    id: str
    rejected: Rejected

    @property
    def device(self) -> str:
        """The device its topic names, or ""."""
        parts = self.rejected.topic.split("/")
        return parts[3] if len(parts) == 5 else ""

    @classmethod
    def of(cls, line: str) -> QuarantinedMessage:
        """What a line of a file holds; one that was cut off is shown, not hidden."""
        try:
            row = json.loads(line)
        except ValueError:  # two halves of lines after a crash
            return cls("", Rejected("", line.encode(), 0, "torn", "", "a line cut off by a crash"))
        payload = (
            base64.b64decode(row["payload_base64"])
            if "payload_base64" in row
            else row["payload"].encode()
        )
        why = (row["reason"], row["field"], row["detail"])
        return cls(row["id"], Rejected(row["topic"], payload, row["received_at_us"], *why))


class Quarantine:
    """The folder of what was refused. Several processes may write; readers need no lock, lines are
    written whole. ``devices`` have a share each, everything that names none of them another; a
    reader needs none. ``not_kept`` counts by device what was dropped beyond its share (OTHER for
    none of the devices).
    """

    def __init__(self, folder: Path, devices: Collection[str] = ()) -> None:
        self._folder, self._devices = folder, frozenset(devices)
        # From 0: Prometheus sees no increase in a series that begins with its first event.
        self.not_kept = Counter(dict.fromkeys([*sorted(self._devices), OTHER], 0))
        self._used: Counter[str] = Counter()
        self._ids: set[int] = set()
        self._known: dict[str, tuple[int, int]] = {}

    def add(self, rejected: Sequence[Rejected]) -> int:
        """Keep refused messages, durably; answers how many were new. What is beyond a device's
        share is counted in ``not_kept``.

        Raises StoreUnavailable when the disk or the bound is full: then nothing is acknowledged,
        and the broker keeps the messages until somebody has made room.
        """
        try:
            with self._locked():
                self._learn()
                new = {_id_of(r): r for r in rejected}
                lines = self._within_shares(
                    {id: r for id, r in new.items() if int(id, 16) not in self._ids}
                )
                if lines:
                    self._write("".join(lines.values()).encode())
                    self._ids.update(int(id, 16) for id in lines)
                    self._known = self._stamps()
        except OSError as error:
            raise StoreUnavailable(f"quarantine {self._folder}: {error.strerror}") from error
        return len(lines)

    def _within_shares(self, new: dict[str, Rejected]) -> dict[str, str]:
        """The lines to write: those within their device's share, and of the others the first,
        second, fourth, eighth... of each device, cut, out of a reserve.
        """
        if not self._devices:
            return {id: _line(id, one) for id, one in new.items()}
        # A sixteenth for samples, and a sixteenth that files leave unused at their ends.
        sixteenth = FILE_BYTES_MAX * FILES_MAX // 16 // (len(self._devices) + 1)
        lines: dict[str, str] = {}
        for id, one in new.items():
            sender, line = self._sender(one), _line(id, one)
            if self._used[sender] + len(line) > 14 * sixteenth:
                self.not_kept[sender] += 1
                count = self.not_kept[sender]
                line = _line(id, one, UNREADABLE_BYTES_MAX)
                full = self._used[sender] + len(line) > 15 * sixteenth
                if full or count & (count - 1):
                    continue
            self._used[sender] += len(line)
            lines[id] = line
        return lines

    def _sender(self, one: Rejected) -> str:
        device = QuarantinedMessage("", one).device
        return device if device in self._devices else OTHER

    def __iter__(self) -> Iterator[QuarantinedMessage]:
        for path in self.files():
            with self._readable(), path.open(encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n"):  # a torn last line was never acknowledged
                        yield QuarantinedMessage.of(line)

    def newest(self) -> Iterator[QuarantinedMessage]:
        """The messages, newest first; holds one file's lines at a time."""
        for path in reversed(self.files()):
            with self._readable():
                lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
                yield from (
                    QuarantinedMessage.of(line) for line in reversed(lines) if line.endswith("\n")
                )

    def counts(self) -> Counter[tuple[str, str]]:
        """How many messages are kept by (device, reason)."""
        return Counter((kept.device, kept.rejected.reason) for kept in self)

    def remove(self, ids: set[str]) -> None:
        """Forget messages that were replayed; each file is replaced whole or not at all."""
        with self._locked():
            self._remove(ids)

    def used_share(self) -> float:
        """How much of the bound is used, 0 to 1. Raises StoreUnavailable where nothing can be
        kept: of a folder that is gone or somebody else's a glob would say that it is empty.
        """
        if not (self._folder.is_dir() and os.access(self._folder, os.R_OK | os.W_OK | os.X_OK)):
            raise StoreUnavailable(f"quarantine {self._folder}: no folder to read and write")
        return sum(size for _, size in self._stamps().values()) / (FILE_BYTES_MAX * FILES_MAX)

    def _remove(self, ids: set[str]) -> None:
        for path in self.files():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            left = [
                line
                for line in lines
                if line.endswith("\n") and QuarantinedMessage.of(line).id not in ids
            ]
            if len(left) == len(lines):
                continue
            if not left:
                path.unlink()
                continue
            fresh = path.with_suffix(".new")
            with fresh.open("w", encoding="utf-8") as file:
                file.writelines(left)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time: a replay that rewrites a file while a gateway appends to it
        would lose what was acknowledged in between.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _learn(self) -> None:
        """Know the ids that are kept, again when another process has changed a file."""
        if self._known != self._stamps():
            self._ids.clear()
            self._used.clear()
            for kept in self:
                if kept.id:
                    self._ids.add(int(kept.id, 16))
                self._used[self._sender(kept.rejected)] += len(_line(kept.id, kept.rejected))
            self._known = self._stamps()

    def _stamps(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for path in self.files():
            with contextlib.suppress(FileNotFoundError):
                found[path.name] = ((stat := path.stat()).st_ino, stat.st_size)
        return found

    def files(self) -> list[Path]:
        """The files, the oldest first; none before anything was refused. Raises StoreUnavailable
        when that cannot be seen: a glob would say none.
        """
        with self._readable():
            return sorted(p for p in self._folder.iterdir() if p.match("quarantine-*.jsonl"))
        return []

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        """What is not there (yet, or any more) is nothing; what cannot be read is an error."""
        try:
            yield
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreUnavailable(f"quarantine {self._folder}: {error.strerror}") from error

    def _write(self, data: bytes) -> None:
        files = self.files()
        path = files[-1] if files else self._folder / "quarantine-000001.jsonl"
        if path.exists() and path.stat().st_size + len(data) > FILE_BYTES_MAX:
            if len(files) >= FILES_MAX:
                raise StoreUnavailable(
                    f"quarantine {self._folder} is full ({FILES_MAX} files): mend the cause, then "
                    "replay it (smartbin quarantine replay) or move its files away"
                )
            path = self._folder / f"quarantine-{int(path.stem.split('-')[1]) + 1:06d}.jsonl"
        with path.open("ab") as file:
            # A line that a crash cut off was never acknowledged: it comes again. Made whole by a
            # newline, one cut just before its own would be kept twice.
            file.truncate(_whole(path))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _whole(path: Path) -> int:
    """How many bytes of a file are whole lines."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        if file.read(1) in (b"\n", b""):
            return end
        file.seek(0)
        return file.read().rfind(b"\n") + 1


def _id_of(r: Rejected) -> str:
    said = r.topic.encode("utf-8", "backslashreplace") + b"\0" + r.payload
    return hashlib.blake2b(said, digest_size=8).hexdigest()


def _line(id: str, r: Rejected, bytes_max: int | None = None) -> str:
    """A line of a file. Of a longer payload than ``bytes_max`` (by reason, unless given) the
    beginning and its digest are kept.
    """
    if bytes_max is None and r.reason in UNREADABLE:
        bytes_max = UNREADABLE_BYTES_MAX
    if bytes_max is not None and len(r.payload) > bytes_max:
        digest = hashlib.sha256(r.payload).hexdigest()
        said = f"{r.detail}; the first {bytes_max} of {len(r.payload)} bytes, sha256 {digest}"
        r = replace(r, payload=r.payload[:bytes_max], detail=said)
    row = {
        "id": id,
        "topic": r.topic,
        "received_at_us": r.received_at_us,
        "reason": r.reason,
        "field": r.field,
        "detail": r.detail,
    }
    try:
        row["payload"] = r.payload.decode("utf-8")
    except UnicodeDecodeError:
        row["payload_base64"] = base64.b64encode(r.payload).decode()
    return json.dumps(row, ensure_ascii=True) + "\n"
