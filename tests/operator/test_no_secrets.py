"""No secret, certificate or password lies in the repository or is shown by ``--print-config``."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from api.__main__ import main as api
from gateway.__main__ import main as gateway

ROOT = Path(__file__).parents[2]
SECRET = "Zq7-do-not-show-me"  # what a test looks for is not a secret
# Put together here, so that this file does not hold what it looks for.
KEYS = re.compile(rb"-----BEGIN [A-Z ]*(PRIVATE KEY|CERTIFICATE)" + rb"-----")
HASHES = re.compile(rb"\$7\$[0-9]+\$[A-Za-z0-9+/=]{16}\$|\$argon2id\$v=")


def files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listed.returncode:
        pytest.skip("this tree is not a git repository: nothing to look through")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.process
def test_the_repository_holds_no_key_certificate_or_hash() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in files()
        if path.is_file() and (KEYS.search(path.read_bytes()) or HASHES.search(path.read_bytes()))
    ]
    assert found == []


@pytest.mark.process
def test_secrets_made_here_are_never_added() -> None:
    names = [
        "deploy/secrets/devices.csv",
        "deploy/secrets/mosquitto/passwords",
        "secrets/ca.key",
        ".env",
    ]
    for name in names:
        ignored = subprocess.run(
            ["git", "check-ignore", "-q", "--no-index", name], cwd=ROOT, check=False
        )
        assert ignored.returncode == 0, f"{name} would be added: mend .gitignore"


@pytest.mark.parametrize("program", [gateway, api], ids=["gateway", "api"])
def test_the_settings_shown_mask_every_secret(
    program: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("MQTT_PASSWORD", "TELEMETRY_TOKEN", "RECORDS_PASSWORD"):
        monkeypatch.setenv(f"SMARTBIN_{name}", SECRET)
    assert callable(program)
    assert program(["--print-config"]) == 0
    shown = capsys.readouterr()
    assert "********" in shown.out
    assert SECRET not in shown.out + shown.err


def test_a_password_inside_an_address_is_masked_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMARTBIN_MQTT_URL", f"mqtt://gateway:{SECRET}@127.0.0.1:1883")
    monkeypatch.setenv("SMARTBIN_RECORDS_URL", f"postgresql+psycopg://me:{SECRET}@127.0.0.1/x")
    for program in (gateway, api):
        program(["--print-config"])
    shown = capsys.readouterr()
    assert SECRET not in shown.out + shown.err
