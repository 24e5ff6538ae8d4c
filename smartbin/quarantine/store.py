"""Quarantine: every refused message, whole, in bounded files of JSON lines.

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from smartbin.core.errors import StoreUnavailable
from smartbin.facts.wire import Rejected

FILE_BYTES_MAX = 16 * 1024 * 1024
FILES_MAX = 16


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
    written whole.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids: set[int] = set()
        self._known: dict[str, tuple[int, int]] = {}

    def add(self, rejected: Sequence[Rejected]) -> int:
        """Keep refused messages, durably; answers how many were new.

        Raises StoreUnavailable when the disk or the bound is full: then nothing is acknowledged,
        and the broker keeps the messages until somebody has made room.
        """
        try:
            with self._locked():
                self._learn()
                new = {_id_of(r): r for r in rejected}
                lines = {id: _line(id, r) for id, r in new.items() if int(id, 16) not in self._ids}
                if lines:
                    self._write("".join(lines.values()).encode())
                    self._ids.update(int(id, 16) for id in lines)
                    self._known = self._stamps()
        except OSError as error:
            raise StoreUnavailable(f"quarantine {self._folder}: {error.strerror}") from error
        return len(lines)

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
            self._ids = {int(kept.id, 16) for kept in self if kept.id}
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


def _line(id: str, r: Rejected) -> str:
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
