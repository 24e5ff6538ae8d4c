"""What the gateway's small commands say, and the exit status that scripts rely on."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.partitioning import SLOT, SLOTS_MAX
from smartbin.places.load import load
from tests.real import ROOT

SITE = ROOT / "deploy/xinbei"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command over a folder's stores; answers its exit status, and what it said."""
    monkeypatch.setenv("SMARTBIN_SITE", str(SITE))
    monkeypatch.setenv("SMARTBIN_TELEMETRY_URL", f"sqlite:///{tmp_path}/t.db")
    monkeypatch.setenv("SMARTBIN_RECORDS_URL", f"sqlite:///{tmp_path}/r.db")
    monkeypatch.setenv("SMARTBIN_QUARANTINE", str(tmp_path / "q"))
    monkeypatch.setenv("SMARTBIN_GATEWAY_HTTP", "127.0.0.1:0")

    def ran(*words: str, **settings: str) -> tuple[int, str, str]:
        for name, value in settings.items():
            monkeypatch.setenv(f"SMARTBIN_{name}", value)
        status = main(list(words))
        said = capsys.readouterr()
        return status, said.out, said.err

    return ran


def test_the_settings_are_shown_without_their_secrets(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("--print-config", MQTT_PASSWORD="a-secret", TELEMETRY_TOKEN="a-token")
    assert status == 0
    assert f"sqlite:///{tmp_path}/t.db" in out
    assert "SMARTBIN_MQTT_PASSWORD" in out
    assert "a-secret" not in out
    assert "a-token" not in out
    assert not list(tmp_path.iterdir()), "nothing is opened or made"


def test_a_division_that_leaves_devices_out_ends_with_another_status(run: Run) -> None:
    status, out, _ = run("parts", "1/2", "2/2")
    assert (status, out.count("\n")) == (0, 3)
    assert f"none of {len(load(SITE).devices)} devices is left out" in out
    status, out, _ = run("parts", "1/3", "2/3")
    assert (status, out.count("\n")) == (1, 3)
    assert "left out · 遗漏" in out


def test_a_drain_that_could_be_of_any_gateway_is_refused(run: Run) -> None:
    status, _, err = run("drain", MQTT_CLIENT_ID=f"gateway-{SLOT}")
    assert status == 2
    assert "say which gateway, for example gateway-2" in err


def test_a_gateway_too_many_is_told_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "q").mkdir()
    with contextlib.ExitStack() as others:
        for number in range(1, SLOTS_MAX + 1):
            file = others.enter_context((tmp_path / f"q/slot-{number}.lock").open("a"))
            fcntl.flock(file, fcntl.LOCK_EX)
        status, _, err = run("run", MQTT_CLIENT_ID=f"gateway-{SLOT}")
    assert status == 2
    assert f"all {SLOTS_MAX} slots in {tmp_path / 'q'} are taken" in err


def test_setup_has_nothing_to_do_for_a_file(run: Run, tmp_path: Path) -> None:
    assert run("setup") == (0, f"{tmp_path}/t.db: nothing to do, the gateway makes its file\n", "")


def test_setup_waits_as_long_as_told_and_names_the_setting(run: Run) -> None:
    url = "influx+http://127.0.0.1:1/?org=o&bucket=b"
    began_s = time.monotonic()
    status, _, err = run("setup", "--wait-s", "0.5", TELEMETRY_URL=url, TELEMETRY_TOKEN="t")
    assert status == 1
    assert "SMARTBIN_TELEMETRY_URL" in err
    assert time.monotonic() - began_s > 0.5
