"""``smartbin``: one table of contents, one set of exit statuses, and the older names."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from smartbin import __main__ as smartbin
from smartbin.capabilities import CAPABILITIES
from smartbin.operator.commands import COMMANDS
from tests.real import ROOT

LISTED = [
    *(program.name for program in smartbin.PROGRAMS),
    *(command.name for command in COMMANDS),
    *(command.name for capability in CAPABILITIES for command in capability.commands),
]
OLDER = {"gateway": smartbin.gateway, "api": smartbin.api, "simulator": smartbin.simulator}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMARTBIN_SITE", str(ROOT / "deploy/xinbei"))
    monkeypatch.setenv("SMARTBIN_TELEMETRY_URL", f"sqlite:///{tmp_path}/t.db")
    monkeypatch.setenv("SMARTBIN_RECORDS_URL", f"sqlite:///{tmp_path}/r.db")
    monkeypatch.setenv("SMARTBIN_QUARANTINE", str(tmp_path / "q"))


def test_the_help_lists_every_verb_once_in_both_languages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert len(set(LISTED)) == len(LISTED) > 20
    assert smartbin.main(["--help"]) == 0
    said = capsys.readouterr().out
    for name in LISTED:
        (line,) = re.findall(rf"^  {name} +.+$", said, re.M)
        assert re.search(r"[a-z]{3} .* · .*[\u4e00-\u9fff]{2}", line), line
        assert len(line) < 90


@pytest.mark.parametrize("verb", LISTED)
def test_every_verb_tells_what_it_takes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    if verb == "probe":  # a few lines without a parser, for a health check every 30 s
        assert smartbin.main([verb]) == 2
        return
    with pytest.raises(SystemExit) as ended:
        smartbin.main([verb, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: smartbin {verb}")


def test_a_wrong_verb_and_a_misspelt_setting_are_sentences(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert smartbin.main(["bakcup"]) == 2
    assert "did you mean backup?" in capsys.readouterr().err
    assert smartbin.main([]) == 2
    monkeypatch.setenv("SMARTBIN_TARIF", "x")
    assert smartbin.main(["token", "list"]) == 2
    assert "did you mean SMARTBIN_TARIFF?" in capsys.readouterr().err


def test_a_store_that_is_away_is_another_status_than_a_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMARTBIN_RECORDS_URL", "postgresql+psycopg://x@127.0.0.1:1/x")
    assert smartbin.main(["token", "list", "--wait-s", "0"]) == 1
    assert "SMARTBIN_RECORDS_URL" in capsys.readouterr().err
    assert smartbin.api(["--wait-s", "0", "token", "list"]) == 2, "as it always was"


def test_the_older_names_do_what_they_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert smartbin.api(["token", "create", "--name", "truck-3"]) == 0
    assert len(capsys.readouterr().out.split()) == 1
    assert smartbin.main(["token", "list"]) == 0
    assert capsys.readouterr().out.startswith("truck-3  crew  -  ends ")
    for argv in (["parts", "1/2", "2/2"], ["parts", "1/2"], ["quarantine", "show", "none"]):
        said = []
        for name in (smartbin.gateway, smartbin.main):
            said.append((name(argv), *capsys.readouterr()))
        assert said[0] == said[1], argv


def test_the_older_names_are_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name, target in project["scripts"].items():
        module, _, function = target.partition(":")
        assert module == "smartbin.__main__"
        main = getattr(smartbin, function)
        assert main is (smartbin.main if name == "smartbin" else OLDER[name.rpartition("-")[2]])


@pytest.mark.process
def test_the_gateway_loads_no_capability_it_does_not_need() -> None:
    """What its start imports is its memory; ``python -m gateway`` is the same program."""
    code = (
        "import sys; from smartbin import __main__ as m\n"
        "assert m.main(['gateway', '--print-config']) == 0\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())
    assert "gateway.program" in loaded
    unwanted = {"smartbin.capabilities", "fastapi", "uvicorn", "rich", "smartbin.operator"}
    unwanted |= {"smartbin.points.settle", "smartbin.people.users", "api.app"}
    assert not unwanted & loaded
