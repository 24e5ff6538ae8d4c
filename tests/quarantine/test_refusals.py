"""Refusals are counted once, whatever happens to their files in between."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.wire import Rejected
from smartbin.quarantine import refusals
from smartbin.quarantine.refusals import OTHERS, Refusal, RefusalCounts
from smartbin.quarantine.store import Quarantine
from tests.places.small import SHANGHAI

FIRST = date(2026, 11, 1)
NOON_US = calendar.start_us(FIRST, SHANGHAI) + 12 * calendar.US_PER_HOUR
DAY_US = 24 * calendar.US_PER_HOUR


def refused(n: int, device: str = "bin-001", reason: str = "bad_json", day: int = 0) -> Rejected:
    topic = f"smartbin/v1/xinbei/{device}/deposit"
    return Rejected(topic, b"{%d" % n, NOON_US + day * DAY_US, reason, "", "said why")


def test_counted_by_device_reason_and_the_sites_day(tmp_path: Path) -> None:
    shelf, counts = Quarantine(tmp_path), RefusalCounts(tmp_path, SHANGHAI)
    assert counts.counts() == {}
    shelf.add([refused(1), refused(2), refused(3, day=1), refused(4, "bin-002", "bad_time")])
    assert counts.counts() == {
        Refusal("bin-001", "bad_json", FIRST): 2,
        Refusal("bin-001", "bad_json", date(2026, 11, 2)): 1,
        Refusal("bin-002", "bad_time", FIRST): 1,
    }
    assert counts.of(["bin-001"], Days(FIRST, FIRST)) == 2
    assert counts.of(["bin-001", "bin-002"], Days(FIRST, date(2026, 11, 2))) == 4
    assert counts.of(["bin-003"], Days(FIRST, FIRST)) == 0


def test_what_comes_is_added_and_what_is_replayed_goes(tmp_path: Path) -> None:
    shelf, counts = Quarantine(tmp_path), RefusalCounts(tmp_path, SHANGHAI)
    days = Days(FIRST, FIRST)
    shelf.add([refused(n) for n in range(5)])
    assert counts.of(["bin-001"], days) == 5
    shelf.add([refused(n) for n in range(3, 9)])
    assert counts.of(["bin-001"], days) == 9
    ids = [kept.id for kept in shelf]
    shelf.remove(set(ids[:4]))
    assert counts.of(["bin-001"], days) == 5
    shelf.remove(set(ids))
    assert counts.of(["bin-001"], days) == 0
    shelf.add([refused(n, "bin-002") for n in range(40)])
    assert counts.counts() == {Refusal("bin-002", "bad_json", FIRST): 40}


def test_a_file_is_read_on_and_not_read_again(tmp_path: Path) -> None:
    shelf, counts = Quarantine(tmp_path), RefusalCounts(tmp_path, SHANGHAI)
    shelf.add([refused(1)])
    (file,) = tmp_path.glob("*.jsonl")
    whole = file.read_bytes()
    assert counts.counts().total() == 1
    with file.open("ab") as lines:
        lines.write(whole[:20])
    assert counts.counts().total() == 1, "a line that is being written"
    with file.open("ab") as lines:
        lines.write(whole[20:])
    assert counts.counts().total() == 2
    # The same file with another first line and as long: only a second reading would see it.
    with file.open("r+b") as lines:
        lines.write(whole.replace(b"bin-001", b"bin-002"))
    assert {refusal.device for refusal in counts.counts()} == {"bin-001"}


def test_another_file_of_the_same_name_is_read_from_its_start(tmp_path: Path) -> None:
    shelf, counts = Quarantine(tmp_path), RefusalCounts(tmp_path, SHANGHAI)
    shelf.add([refused(1), refused(2)])
    assert counts.counts().total() == 2
    (file,) = tmp_path.glob("*.jsonl")
    with file.open("r+b") as lines:  # the inode stays, the content does not
        line = lines.readline()
        lines.seek(0)
        lines.truncate()
        lines.write(line.replace(b"bin-001", b"bin-009") * 5)
    assert counts.counts() == {Refusal("bin-009", "bad_json", FIRST): 5}


def test_kinds_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "KINDS_MAX", 3)
    Quarantine(tmp_path).add([refused(n, f"bin-{n:03}") for n in range(10)])
    counted = RefusalCounts(tmp_path, SHANGHAI).counts()
    assert len(counted) <= 4
    assert (counted.total(), counted[OTHERS]) == (10, 7)
