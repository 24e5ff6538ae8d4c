"""The credentials' two files: what cannot be right is named, and leaves both as they were."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.__main__ import main
from smartbin.core.errors import BadInput
from smartbin.operator.provision import Provision
from tests.real import ROOT


@pytest.fixture
def files(tmp_path: Path) -> Provision:
    made = Provision(tmp_path / "mosquitto/passwords", tmp_path / "devices.csv")
    assert made.make(["bin-001", "bin-002"]) == ["bin-001", "bin-002"]
    return made


@pytest.fixture
def provision(
    files: Provision, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs the command, which must refuse and change nothing; answers its sentence."""
    monkeypatch.setenv("SMARTBIN_SITE", str(ROOT / "deploy/xinbei"))

    def run(*words: str) -> str:
        before = contents(files)
        where = ["--passwords", str(files.passwords), "--installer", str(files.installer)]
        assert main(["provision", *words, *where]) == 2
        assert contents(files) == before
        return capsys.readouterr().err

    return run


def contents(files: Provision) -> tuple[str, str]:
    return files.passwords.read_text(), files.installer.read_text()


@pytest.mark.parametrize("name", ["", "Gateway", "a:b", "a\nb", "x" * 33])
def test_a_name_that_would_break_the_brokers_file_is_refused(name: str, files: Provision) -> None:
    before = contents(files)
    with pytest.raises(BadInput, match="is not a name; use 1 to 32 of"):
        files.user(name, "secret")
    assert contents(files) == before


@pytest.mark.parametrize("password", ["", "two\nlines", "a\0b"])
def test_a_password_that_is_no_line_of_text_is_refused(password: str, files: Provision) -> None:
    before = contents(files)
    with pytest.raises(BadInput, match="the password is empty or unprintable"):
        files.user("gateway", password)
    assert contents(files) == before


def test_the_command_says_what_is_missing(provision: Callable[..., str], tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("secret\n")
    password = "--password-file", str(own)
    assert "'bin-001' is a device; use 'rotate bin-001'" in provision("user", "bin-001", *password)
    assert "--password-file: name a file" in provision("user", "gateway")
    nowhere = "--password-file", str(tmp_path / "none")
    assert "--password-file: name a file" in provision("user", "gateway", *nowhere)
    assert "say which, as in 'revoke bin-007'" in provision("revoke")
    assert "'gateway' is not a device of the registry" in provision("rotate", "gateway")
    assert "'stranger' has no credential" in provision("revoke", "stranger")
    own.write_bytes(b"\xff\xfe")
    assert f"{own}: cannot be read" in provision("user", "gateway", *password)


@pytest.mark.parametrize(
    "text", ["device,password\nbin-001,x\n", "device,username,password\nbin-001,x\n"]
)
def test_a_table_of_another_form_is_not_overwritten(
    text: str, files: Provision, provision: Callable[..., str]
) -> None:
    files.installer.write_text(text)
    assert "devices.csv: is not a table device,username,password" in provision("make")


def test_a_table_that_was_opened_to_somebody_stays_open(files: Provision) -> None:
    assert stat.S_IMODE(files.installer.stat().st_mode) == 0o600
    files.installer.chmod(0o640)
    files.rotate("bin-001")
    assert stat.S_IMODE(files.installer.stat().st_mode) == 0o640


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "away").symlink_to(tmp_path / "nowhere/at/all")
    files = Provision(tmp_path / "away/passwords", tmp_path / "devices.csv")
    with pytest.raises(BadInput, match=r"away/passwords: cannot be written .* writable folder"):
        files.make(["bin-001"])
