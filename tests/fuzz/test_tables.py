"""Whatever a folder, a table or a tariff holds, it is loaded or its mistakes are named."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.broker import _credentials
from simulator.replay import Columns, read
from smartbin.accounts.account_table import lines_of
from smartbin.core.errors import BadInput
from smartbin.places.load import load
from smartbin.points.rules.load import load_tariffs
from smartbin.sorting.rules import limits
from tests.fuzz.mutations import INPUTS, SEED, mutated
from tests.places.small import SHANGHAI
from tests.real import ROOT

XINBEI = ROOT / "deploy/xinbei"
WORDS = [
    b",", b'"', b'""', b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\x1b[2J",
    b"=cmd|x", b"9" * 400, b"-1",
    b"1e9", b"2026-02-31", b"9999-12-31", b"0001-01-01", b"nan", b"inf",
    b"[[tariff]]", b"[tariff.household]", b"[x]", b'"""', b"'''", b"{", b"}", b"true", b"1.5",
    b"0x7fffffffffffffffffff", b"2024-01-01T00:00:00Z", b"07:32:00", b"\\ud800", "厨余".encode(),
    "社区".encode("gb18030"), b"," * 3000, b"[" * 3000, b'"' + b"x" * 140_000 + b'"',
]  # fmt: skip
ACCOUNTS = b"card,kind,community,from,to,account\nH1,household,oak,2025-01-01,,11111111\n"
CREDENTIALS = b"device,username,password\nbin-001,bin-001,secret\n"
HISTORY = b"bin,at,weight\nB-1,2026-11-01 08:00,12.5\nB-2,2026-11-02 08:00,7\n"


def _registry(folder: Path) -> object:
    return load(folder), limits.load(folder), load_tariffs(folder / "tariff.toml", {"oak"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(XINBEI, tmp_path / "site"))


def refusal(act: Callable[[], object]) -> str | None:
    try:
        act()
    except BadInput as mistakes:
        return str(mistakes)
    return None


def attack(path: Path, act: Callable[[], object], share: int) -> None:
    """Mutate a file again and again: it is taken, or refused in sentences without controls."""
    chance, good = random.Random(f"{SEED} {path.name}"), [path.read_bytes()]
    for _ in range(max(30, INPUTS // share)):
        data = mutated(good, WORDS, chance)
        path.write_bytes(data)
        try:
            said = refusal(act)
        except BaseException as error:
            error.add_note(f"seed {SEED}: {path.name} {data!r}")
            raise
        assert said is None or said.strip()
        assert all(c.isprintable() or c == "\n" for c in said or ""), said
    path.write_bytes(good[0])


@pytest.mark.parametrize("name", sorted(p.name for p in XINBEI.glob("*.*") if p.suffix != ".md"))
def test_the_registry(folder: Path, name: str) -> None:
    # Small tables, so that most of the time goes into the mutations and not into good rows.
    for path in folder.glob("*.csv"):
        if path.name != "site.csv":
            path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:6]))
    attack(folder / name, lambda: _registry(folder), 60)


READERS: dict[str, tuple[bytes, Callable[[Path], Any]]] = {
    "accounts.csv": (ACCOUNTS, lambda path: lines_of(path, {"oak"})),
    "devices.csv": (CREDENTIALS, _credentials),
    "history.csv": (
        HISTORY,
        lambda path: read(path, Columns("at", "bin", "weight", "kg", "", ""), SHANGHAI, 0),
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_the_other_tables(tmp_path: Path, name: str) -> None:
    good, reader = READERS[name]
    path = tmp_path / name
    path.write_bytes(good)
    attack(path, lambda: reader(path), 20)
