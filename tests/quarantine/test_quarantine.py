"""What is refused is kept whole, once, within bounds, and can be replayed under its own time."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gateway.settings import GatewaySettings
from smartbin.core.errors import BadInput, StoreUnavailable
from smartbin.facts.wire import Rejected
from smartbin.operator.quarantine_commands import LIST_MAX, quarantine_command
from smartbin.quarantine import store as quarantine
from smartbin.quarantine.store import Quarantine
from tests.real import ROOT

NOW_US = 1_780_000_000_000_000
DEPOSIT = b'{"at":"2026-05-28T20:26:39.500+00:00","seq":7,"door":"kitchen","weight_g":120}'


def refused(n: int, reason: str = "bad_json", device: str = "bin-001") -> Rejected:
    topic = f"smartbin/v1/xinbei/{device}/deposit"
    return Rejected(topic, b"\xff{%d" % n, NOW_US + n, reason, "", "said why")


def test_kept_whole_and_once(tmp_path: Path) -> None:
    shelf = Quarantine(tmp_path)
    assert shelf.add([refused(1), refused(2), refused(1)]) == 2
    assert Quarantine(tmp_path).add([refused(2), refused(3)]) == 1, "known after a restart"
    assert [kept.rejected for kept in shelf] == [refused(1), refused(2), refused(3)]
    assert {kept.device for kept in shelf} == {"bin-001"}
    assert shelf.counts() == {("bin-001", "bad_json"): 3}


def test_text_that_no_file_takes_is_kept(tmp_path: Path) -> None:
    odd = Rejected("smartbin/v1/x/y\ud800/z", b"{}", NOW_US, "bad_field", "\ud800", "\ud800")
    Quarantine(tmp_path).add([odd])
    assert len(list(Quarantine(tmp_path))) == 1


def test_a_torn_line_is_no_message_and_hides_none(tmp_path: Path) -> None:
    shelf = Quarantine(tmp_path)
    shelf.add([refused(1)])
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes() + b'{"id":"12')
    assert len(list(Quarantine(tmp_path))) == 1
    Quarantine(tmp_path).add([refused(2)])
    assert [k.rejected for k in Quarantine(tmp_path) if k.id] == [refused(1), refused(2)]


@pytest.mark.parametrize("missing", [1, 2, 40])
def test_a_line_cut_off_anywhere_is_written_anew_and_once(tmp_path: Path, missing: int) -> None:
    Quarantine(tmp_path).add([refused(1), refused(2)])
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-missing])
    Quarantine(tmp_path).add([refused(2)])
    assert [k.rejected for k in Quarantine(tmp_path)] == [refused(1), refused(2)]


def test_full_is_said_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "FILE_BYTES_MAX", 500)
    monkeypatch.setattr(quarantine, "FILES_MAX", 2)
    shelf = Quarantine(tmp_path)
    kept = 0
    with suppress(StoreUnavailable):
        while kept < 100:
            kept += shelf.add([refused(kept)])
    with pytest.raises(StoreUnavailable, match="full"):
        shelf.add([refused(101)])
    assert len(list(shelf)) == kept > 2
    assert shelf.used_share() > 0.5
    shelf.remove({k.id for k in shelf})
    assert shelf.add([refused(200)]) == 1


def test_one_sender_fills_its_own_share_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "FILE_BYTES_MAX", 20_000)
    monkeypatch.setattr(quarantine, "FILES_MAX", 4)
    devices = ["bin-001", "bin-002", "bin-003"]
    shelf = Quarantine(tmp_path, devices)
    for n in range(500):
        shelf.add([refused(n), refused(n, device=f"stranger-{n}")])  # never says that it is full
    kept = Counter(k.device for k in shelf)
    assert 0 < shelf.not_kept["bin-001"] < 500
    assert shelf.not_kept["other"] > 300
    assert shelf.not_kept["bin-002"] == 0
    samples = 500 - shelf.not_kept["bin-001"]
    assert 0 < kept["bin-001"] - samples <= 9  # of the dropped the 1st, 2nd, 4th, ... are kept
    assert shelf.add([refused(n, device="bin-002") for n in range(20)]) == 20
    assert shelf.used_share() < 1

    again = Quarantine(tmp_path, devices)  # a restart gives no new share
    before = len(list(again))
    again.add([refused(n) for n in range(1000, 1100)])
    assert again.not_kept["bin-001"] == 100
    assert len(list(again)) - before <= 7
    again.remove({k.id for k in again if k.device == "bin-001"})
    assert again.add([refused(n) for n in range(2000, 2010)]) == 10


def test_every_device_may_fill_its_share_and_the_whole_is_never_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "FILE_BYTES_MAX", 20_000)
    monkeypatch.setattr(quarantine, "FILES_MAX", 4)
    shelf = Quarantine(tmp_path, ["bin-001", "bin-002"])
    for n in range(400):
        shelf.add([refused(n, device=device) for device in ("bin-001", "bin-002", "nobody")])
    assert all(shelf.not_kept[sender] > 0 for sender in ("bin-001", "bin-002", "other"))


@pytest.mark.parametrize("reason", ["too_large", "bad_utf8", "bad_json"])
def test_of_what_cannot_be_read_the_beginning_and_a_digest_are_kept(
    tmp_path: Path, reason: str
) -> None:
    payload = b"\xff" + b"x" * 250_000
    topic = "smartbin/v1/xinbei/bin-001/deposit"
    shelf = Quarantine(tmp_path)
    for _ in range(2):
        shelf.add([Rejected(topic, payload, NOW_US, reason, "", "said why")])
    (kept,) = shelf
    assert kept.rejected.payload == payload[:4096]
    assert hashlib.sha256(payload).hexdigest() in kept.rejected.detail
    assert kept.rejected.detail.startswith("said why; the first 4096 of 250001 bytes, sha256 ")
    whole = b"{" + payload[2:]
    shelf.add([Rejected(topic, whole, NOW_US, "bad_field", "", "can be replayed")])
    readable = [k.rejected for k in shelf if k.rejected.reason == "bad_field"]
    assert [one.payload for one in readable] == [whole]


def test_a_replay_beside_a_running_gateway_loses_nothing(tmp_path: Path) -> None:
    def add(first: int) -> None:
        shelf = Quarantine(tmp_path)
        for n in range(first, first + 40):
            shelf.add([refused(n)])

    threads = [threading.Thread(target=add, args=[1000 * t]) for t in range(3)]
    for thread in threads:
        thread.start()
    removed: set[str] = set()
    while any(thread.is_alive() for thread in threads):
        some = {k.id for k in Quarantine(tmp_path)}
        Quarantine(tmp_path).remove(some)
        removed |= some
    assert len(removed | {k.id for k in Quarantine(tmp_path)}) == 120


def test_removed_elsewhere_is_refused_anew(tmp_path: Path) -> None:
    gateway = Quarantine(tmp_path)
    gateway.add([refused(1)])
    other = Quarantine(tmp_path)
    other.remove({k.id for k in other})
    assert gateway.add([refused(1)]) == 1


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    return GatewaySettings.read(
        {
            "SMARTBIN_SITE": str(ROOT / "deploy/xinbei"),
            "SMARTBIN_TELEMETRY_URL": f"sqlite:///{tmp_path}/telemetry.db",
            "SMARTBIN_RECORDS_URL": f"sqlite:///{tmp_path}/records.db",
            "SMARTBIN_QUARANTINE": str(tmp_path / "quarantine"),
        }
    )


def test_replay_keeps_event_time_and_identity(
    settings: GatewaySettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = Quarantine(settings.quarantine)
    topic = "smartbin/v1/xinbei/bin-001/deposit"
    shelf.add([Rejected(topic, DEPOSIT, NOW_US, "unknown_device", "topic", "once"), refused(1)])
    for _ in range(2):
        assert quarantine_command(settings, "replay", "") == 0
    assert [k.rejected for k in shelf] == [refused(1)]
    with closing(sqlite3.connect(tmp_path / "telemetry.db")) as db:
        (row,) = db.execute("SELECT device, door, at_us, weight_g FROM deposit").fetchall()
    assert row == ("bin-001", "kitchen", NOW_US - 500_000 + 7, 120)
    assert "1 replayed, 1 stay" in capsys.readouterr().out


def test_what_came_while_our_clock_was_behind_is_replayed_as_of_when_it_came(
    settings: GatewaySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    day_us = 24 * 3_600_000_000
    topic = "smartbin/v1/xinbei/bin-001/deposit"
    late = Rejected(topic, DEPOSIT, NOW_US - day_us, "future_time", "at", "ahead of the clock")
    shelf = Quarantine(settings.quarantine)
    shelf.add([late])
    assert quarantine_command(settings, "replay", "") == 0
    assert [kept.rejected for kept in shelf] == [late]
    quarantine_command(settings, "replay", "", as_of="2026-05-29T04:26:40+08:00")
    assert "1 replayed, 0 stay" in capsys.readouterr().out
    for as_of, action in (("2026-05-29T04:26:40", "replay"), ("now", "replay"), ("now", "list")):
        with pytest.raises(BadInput, match="--as-of"):
            quarantine_command(settings, action, "", as_of=as_of)


def test_list_show_and_drop(settings: GatewaySettings, capsys: pytest.CaptureFixture[str]) -> None:
    shelf = Quarantine(settings.quarantine)
    shelf.add([refused(1), refused(2, "unknown_device", "bin-999")])
    quarantine_command(settings, "list", "")
    assert "2  条在隔离区" in capsys.readouterr().out
    (odd,) = [k for k in shelf if k.device == "bin-999"]
    quarantine_command(settings, "show", odd.id)
    assert "unknown_device" in capsys.readouterr().out
    with pytest.raises(BadInput, match="name an id"):
        quarantine_command(settings, "drop", "")
    quarantine_command(settings, "drop", "", device="bin-999")
    assert [k.device for k in shelf] == ["bin-001"]
    with pytest.raises(BadInput, match="no message"):
        quarantine_command(settings, "show", "ffff")


def test_what_a_store_refuses_stays_alone(
    settings: GatewaySettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quarantine_command(settings, "replay", "")  # makes the file
    with closing(sqlite3.connect(tmp_path / "telemetry.db")) as db:
        db.execute(
            "CREATE TRIGGER never BEFORE INSERT ON deposit WHEN NEW.weight_g = 120 "
            "BEGIN SELECT RAISE(ABORT, 'never'); END"
        )
    shelf = Quarantine(settings.quarantine)
    topic = "smartbin/v1/xinbei/bin-001/deposit"
    shelf.add(
        [
            Rejected(topic, DEPOSIT.replace(b":7", b":%d" % seq).replace(b"120", b"%d" % weight_g),
                     NOW_US, "unknown_device", "topic", "once")
            for seq, weight_g in enumerate([119, 120, 121])
        ]
    )  # fmt: skip
    assert quarantine_command(settings, "replay", "") == 0
    assert "2 replayed, 1 stay" in capsys.readouterr().out
    assert [b'"weight_g":120' in kept.rejected.payload for kept in shelf] == [True]
    with closing(sqlite3.connect(tmp_path / "telemetry.db")) as db:
        assert db.execute("SELECT weight_g FROM deposit ORDER BY 1").fetchall() == [(119,), (121,)]


def test_a_long_list_is_cut_and_counted_to_its_end(
    settings: GatewaySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    Quarantine(settings.quarantine).add([refused(n) for n in range(LIST_MAX + 3)])
    assert quarantine_command(settings, "list", "") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == LIST_MAX + 3
    assert lines[LIST_MAX].startswith("... 另有 3 条")
    assert lines[LIST_MAX + 1].split() == [str(LIST_MAX + 3), "bad_json"]
    assert quarantine_command(settings, "show", "") == 0
    assert capsys.readouterr().out.count("payload") == LIST_MAX


def test_a_folder_that_is_none_is_said_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"quarantine .*/file/q: Not a directory"):
        Quarantine(tmp_path / "file/q").add([refused(1)])


def test_what_cannot_be_read_is_not_said_to_be_empty(
    settings: GatewaySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    quarantine_command(settings, "list", "")
    assert "0  条在隔离区" in capsys.readouterr().out
    settings.quarantine.touch()
    for action in ("list", "show", "replay"):
        with pytest.raises(StoreUnavailable, match=r"quarantine .*: Not a directory"):
            quarantine_command(settings, action, "")
    settings.quarantine.unlink()
    (settings.quarantine / "quarantine-000001.jsonl").mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match=r"quarantine .*: Is a directory"):
        quarantine_command(settings, "list", "")
