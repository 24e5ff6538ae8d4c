"""``smartbin copy``: all facts of one telemetry store into another.

Appending is idempotent, so copying twice is copying once; how far it came is kept in a small file,
so that it goes on where it was stopped. Memory is bounded by the piece of time in hand.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from smartbin.core.calendar import US_PER_HOUR
from smartbin.core.errors import BadInput, SecondTelling, StoreRefused
from smartbin.facts.events import Fact
from smartbin.telemetry import TelemetrySource, TelemetryWriter, open_source, open_writer

BATCH = 5_000
PIECE_US = 6 * US_PER_HOUR
"""The longest piece of time: some 150,000 facts of 51 devices that report every 30 s."""
REASONS_MAX = 5


@dataclass
class Copied:
    """What was done: facts appended, and those that the target refused, with some reasons."""

    facts: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--from", dest="source", required=True, metavar="URL", help="read this")
    parser.add_argument("--to", dest="target", required=True, metavar="URL", help="write this")
    for end in ("from", "to"):
        parser.add_argument(
            f"--{end}-token-file", type=Path, metavar="FILE",
            help=f"the token of --{end}, when it is not SMARTBIN_TELEMETRY_TOKEN",
        )  # fmt: skip
    parser.add_argument(
        "--state", type=Path, metavar="FILE",
        help="where to remember how far it came (var/copy-....json)",
    )  # fmt: skip


def copy_command(args: argparse.Namespace, zone: ZoneInfo, token: str | None) -> str:
    """Copy as the options say; answers what was done. Raises BadInput, StoreUnavailable, and
    StoreRefused when the target did not take all.
    """
    if args.source == args.target:
        raise BadInput("--from and --to name the same store: name two")
    name = hashlib.blake2b(f"{args.source}\n{args.target}".encode(), digest_size=6).hexdigest()
    state: Path = args.state or Path("var") / f"copy-{name}.json"
    source = open_source(args.source, zone, _token(args.from_token_file, token))
    try:
        target = open_writer(args.target, zone, _token(args.to_token_file, token))
        try:
            done = copy_all(source, target, state)
        finally:
            target.close()
    finally:
        source.close()
    state.unlink(missing_ok=True)
    if done.refused:
        raise StoreRefused(
            f"{done.facts} facts copied, {done.refused} refused: {'; '.join(done.reasons)}"
        )
    return f"{done.facts} facts copied"


def copy_all(source: TelemetrySource, target: TelemetryWriter, state: Path) -> Copied:
    """Copy everything, with a progress bar, from where ``state`` says; who asked removes it when
    all is done.
    """
    done = Copied()
    from_us = _where(state)
    extent = source.extent(from_us)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[facts]:,} facts"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        total_us = extent[1] + 1 - extent[0] if extent else 1
        task = bar.add_task("copy · 复制", total=total_us, facts=0)
        while extent is not None:
            low_us, last_us = extent
            end_us = min(low_us + PIECE_US, last_us + 1)
            before = done.facts
            _append_all(source, target, low_us, end_us, done)
            _remember(state, end_us)
            bar.update(task, completed=total_us - (last_us + 1 - end_us), facts=done.facts)
            if end_us > last_us:
                break
            # A time without facts costs one question, however long it is.
            extent = (end_us, last_us) if done.facts > before else source.extent(end_us)
        bar.update(task, completed=total_us)
    return done


def _append_all(
    source: TelemetrySource, target: TelemetryWriter, low_us: int, end_us: int, done: Copied
) -> None:
    facts = iter(source.facts(low_us, end_us))
    while batch := list(islice(facts, BATCH)):
        _append(target.append, batch, done)
        done.facts += len(batch)


def _append(append: Callable[[Sequence[Fact]], None], facts: Sequence[Fact], done: Copied) -> None:
    """Append all that is taken; what is refused is found by halving and counted."""
    try:
        append(facts)
    except SecondTelling as others:
        done.refused += len(others.facts)
        done.facts -= len(others.facts)
        if len(done.reasons) < REASONS_MAX:
            done.reasons.append(f"{others}: the target's stand")
    except StoreRefused as why:
        if len(facts) == 1:
            done.refused += 1
            done.facts -= 1
            if len(done.reasons) < REASONS_MAX:
                done.reasons.append(why.reason)
            return
        half = len(facts) // 2
        _append(append, facts[:half], done)
        _append(append, facts[half:], done)


def _where(state: Path) -> int:
    try:
        return int(json.loads(state.read_text(encoding="utf-8"))["next_us"])
    except FileNotFoundError:
        return -(2**63)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{state} does not say how far a copy came: delete it") from error


def _remember(state: Path, next_us: int) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    fresh = state.with_suffix(".new")
    fresh.write_text(json.dumps({"next_us": next_us}) + "\n", encoding="utf-8")
    fresh.replace(state)


def _token(file: Path | None, token: str | None) -> str | None:
    if file is None:
        return token
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadInput(
            f"{file}: cannot be read ({error.strerror}); name the token's file"
        ) from None
