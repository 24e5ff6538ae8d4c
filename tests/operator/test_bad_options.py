"""A wrong setting or option is a sentence that names it, and the exit status 2; never a traceback
and never a program that starts all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from api.__main__ import main as api
from gateway.__main__ import main as gateway
from simulator.__main__ import main as simulator
from tests.real import ROOT

# What is right but for one value gets as far as listening.
pytestmark = pytest.mark.process

MAINS: dict[str, Callable[[list[str]], int]] = {
    "api": api,
    "gateway": gateway,
    "simulator": simulator,
}
# In a value: HERE is a folder of the test, BINARY and TABLE are files in it, NO is under no folder.
SETTINGS = {
    "gateway simulator SMARTBIN_MQTT_URL": (
        "", "http://x", "mqtt://", "mqtt://h:99999", "mqtt://h:x", "mqtt://[::1", "mqtt://u:p@h",
        "h:1883",
    ),
    "gateway simulator SMARTBIN_MQTT_CA_FILE": ("HERE/none", "BINARY", "TABLE"),
    "gateway simulator SMARTBIN_MQTT_PASSWORD_FILE": ("HERE/none", "HERE", "BINARY"),
    "gateway SMARTBIN_MQTT_CLIENT_ID": ("", "a\nb", "x" * 2_000),
    "gateway SMARTBIN_MQTT_SHARE": ("a/b", "#", "+", "a\n"),
    "gateway SMARTBIN_MQTT_PART": ("0/2", "3/2", "x", "1/0", "-1/2", "1/2/3"),
    "gateway SMARTBIN_GATEWAY_HTTP": (
        "", "x", ":8001", "h:", "127.0.0.1:99999", "127.0.0.1:-1", "300.300.300.300:80",
        "203.0.113.1:80", "127.0.0.1:٣",
    ),
    "gateway SMARTBIN_QUARANTINE": ("NO/q", "TABLE"),
    "gateway SMARTBIN_RECORDS_URL": (
        "", "nonsense", "mysql://x", "sqlite:///NO/r.db", "postgresql+psycopg://h:x/db",
    ),
    "gateway api SMARTBIN_TELEMETRY_URL": (
        "", "mysql://x", "sqlite://", "influx+http://h", "influx+http://h:x/?org=a&bucket=b",
        "influx+http://h:8086/?org=&bucket=", "influx+http://u:p@h:8086/?org=a&bucket=b",
        "influx+http://h:8086/?org=a&bucket=b&x=1",
    ),
    "gateway api simulator SMARTBIN_SITE": ("HERE/none", "TABLE", "HERE"),
    "gateway api simulator SMARTBIN_NONSENSE": ("1",),
    "api SMARTBIN_API_HTTP": ("", "x", "h:", "127.0.0.1:99999", "300.0.0.1:80", "127.0.0.1:٣"),
    "api SMARTBIN_API_TLS_CERT_FILE": ("HERE/none", "TABLE"),
    "api SMARTBIN_SETTLE_EVERY_S": ("x", "-1", "nan", "inf", "1e9", ""),
    "api SMARTBIN_TARIFF": ("HERE/none", "BINARY", "HERE", "TABLE"),
    "simulator SMARTBIN_SIMULATOR_CREDENTIALS": ("HERE/none", "BINARY", "TABLE", "HERE"),
}  # fmt: skip
OPTIONS = {
    "simulator live --speed": ("0", "-1", "nan", "inf", "x", "", "1e9"),
    "simulator live --since": (
        "yesterday", "2026-11-01", "2026-11-01T00:00:00", "2099-01-01T00:00:00+08:00", "",
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    ),
    "simulator backfill --days": ("0", "-1", "1.5", "x", "", "99999", "٣", "²"),
    "simulator backfill --seed": ("x", "", "1.5", "9" * 5_000),
    "simulator backfill --faults": ("x", "", "HARSH"),
    "simulator expect --to 2026-11-02 --from": ("2026-11-03", "0001-01-01", "20261101", "x", ""),
    "simulator accounts OUT --since": ("x", "1999-01-01"),
    "simulator accounts": ("HERE", "NO/x.csv"),
    "simulator replay": ("HERE/none", "HERE", "BINARY", "TABLE"),
    "simulator replay HISTORY --zone": ("Mars/Base", "../../etc/passwd"),
    "simulator replay HISTORY --shift-days": ("x", "9999999999", "99999", "-99999"),
    "simulator replay HISTORY --site-id": ("A b/#", ""),
    "simulator replay HISTORY --category": ("soup",),
    "simulator replay HISTORY --make-site": ("TABLE", "NO/s"),
    "simulator demo --data": ("NO/d", "TABLE"),
    "simulator demo --broker": ("x",),
    "gateway quarantine": ("x", "drop"),
    "gateway quarantine show": ("none",),
    "gateway provision rotate": ("bin-999",),
    "gateway backup": ("TABLE", "NO/b"),
    "gateway restore": ("HERE/none", "TABLE", "HERE"),
    "gateway parts": ("3/2", "x"),
    "gateway setup --levels-days": ("x", "-1"),
    "gateway copy --from x --to": ("y",),
    "api token create --name": ("", "a\nb", "x" * 500),
    "api token create --name x --role": ("king", "community", "resident"),
    "api token revoke --name": ("nobody",),
    "api user create --name x --role crew --password-file": ("HERE/none", "BINARY", "HERE"),
    "api user disable --name": ("nobody",),
    "api accounts import": ("HERE/none", "BINARY", "HERE", "TABLE"),
    "api accounts replace-card a b --from": ("x", "2026-11-01"),
    "api month close": ("x", "2026-13", "0001-01", "2099-01"),
    "api month check": ("HERE/none", "BINARY"),
    "api settle --again 2026-11-02": ("x", "2026-11-01", "9999-12-31"),
}  # fmt: skip
START = {"simulator": ["backfill", "--days", "1"]}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """The programs' settings over a folder, and where the words in a value lie."""
    for name in list(os.environ):
        if name.startswith("SMARTBIN_"):
            monkeypatch.delenv(name)
    for name, value in {
        "SITE": ROOT / "deploy/xinbei",
        "TELEMETRY_URL": f"sqlite:///{tmp_path}/t.db",
        "RECORDS_URL": f"sqlite:///{tmp_path}/r.db",
        "QUARANTINE": tmp_path / "q",
        "GATEWAY_HTTP": "127.0.0.1:0",
        "API_HTTP": "127.0.0.1:0",
        "MQTT_URL": "mqtts://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(f"SMARTBIN_{name}", str(value))
    (tmp_path / "here").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "history.csv").write_text(
        "device,collected_at,weight_g\nb1,2026-11-01T00:00:00Z,5\n", encoding="utf-8"
    )
    words = {
        "HERE": "here", "BINARY": "binary", "TABLE": "table.csv", "HISTORY": "history.csv",
        "OUT": "out.csv", "NO": "table.csv/no",
    }  # fmt: skip

    def placed(value: str) -> str:
        for word, name in words.items():
            value = value.replace(word, str(tmp_path / name))
        return value

    return placed


def said(
    main: Callable[[list[str]], int], argv: list[str], capsys: pytest.CaptureFixture[str]
) -> str:
    try:
        status = main(argv)
    except SystemExit as ended:
        status = int(ended.code or 0)
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 2, sentence
    assert len(sentence) > 20
    assert sentence.isprintable()
    return sentence


@pytest.mark.parametrize(
    ("program", "name", "value"),
    [
        (program, names.split()[-1], value)
        for names, values in SETTINGS.items()
        for program in names.split()[:-1]
        for value in values
    ],
)
def test_a_bad_setting(
    place: Callable[[str], str],
    program: str,
    name: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = place(value)
    monkeypatch.setenv(name, value)
    if "CERT" in name:
        monkeypatch.setenv(name.replace("CERT", "KEY"), value)
    sentence = said(MAINS[program], START.get(program, []), capsys)
    # A site's and a tariff's mistakes name the file itself, with its line.
    assert name.removesuffix("_FILE") in sentence or name in ("SMARTBIN_SITE", "SMARTBIN_TARIFF")


@pytest.mark.parametrize(
    ("command", "value"),
    [(command, value) for command, values in OPTIONS.items() for value in values],
)
def test_a_bad_option(
    place: Callable[[str], str], command: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *argv = (place(word) for word in command.split())
    said(MAINS[program], [*argv, place(value)], capsys)
