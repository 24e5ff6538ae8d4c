"""What linters cannot say: documents, settings and decisions agree with the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.app import create_app
from api.parts import Parts
from api.settings import ApiSettings
from gateway.settings import GatewaySettings
from simulator.__main__ import SimulatorSettings
from smartbin.core.errors import BadInput
from smartbin.core.settings import ALL_NAMES, PREFIX, Settings
from smartbin.database import Database
from smartbin.facts.wire import asyncapi
from smartbin.telemetry import open_reader
from tests.places import SHANGHAI, small_registry
from tools import tables

ROOT = Path(__file__).parents[1]
PROGRAMS: list[type[Settings]] = [GatewaySettings, ApiSettings, SimulatorSettings]


def test_asyncapi_is_what_the_code_says() -> None:
    text = (ROOT / "docs" / "asyncapi.json").read_text(encoding="utf-8")
    assert text == asyncapi.text(), "run `make docs`"


def test_openapi_is_what_the_code_says(tmp_path: Path) -> None:
    database = Database.open("sqlite://")
    reader = open_reader(f"sqlite:///{tmp_path}/none.db", SHANGHAI)
    app = create_app(Parts(small_registry(), reader, database, tmp_path, lambda: 0))
    kept = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(app.openapi())), "run `make docs`"
    database.close()


def test_the_tables_of_endpoints_are_what_the_code_says() -> None:
    with tables.application() as app:
        for name, table in tables.TABLES.items():
            text = (ROOT / name).read_text(encoding="utf-8")
            assert text == tables.with_table(text, table(app)), "run `make docs`"


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    used = {PREFIX + name.upper() for program in PROGRAMS for name in program.model_fields}
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(SMARTBIN_[A-Z_]+)`", text, re.M))
    assert documented == used == ALL_NAMES


def test_a_misspelt_setting_is_refused_with_the_right_name() -> None:
    with pytest.raises(BadInput, match="did you mean SMARTBIN_TELEMETRY_URL"):
        ApiSettings.read({"SMARTBIN_TELEMETRY_ULR": "x"})
    with pytest.raises(BadInput, match=r"SMARTBIN_TELEMETRY_TOKEN_FILE.*cannot read"):
        ApiSettings.read({"SMARTBIN_TELEMETRY_TOKEN_FILE": "/nowhere"})


def test_secrets_come_from_files_and_are_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cr3t\n", encoding="utf-8")
    settings = GatewaySettings.read({"SMARTBIN_TELEMETRY_TOKEN_FILE": str(secret)})
    assert settings.telemetry_token.get_secret_value() == "s3cr3t"
    assert "s3cr3t" not in settings.shown()


@pytest.mark.parametrize(
    ("program", "name", "value"),
    [
        ("gateway", "SMARTBIN_SITE", "/nowhere"),
        ("gateway", "SMARTBIN_TELEMETRY_URL", "mysql://x"),
        ("gateway", "SMARTBIN_RECORDS_URL", "nonsense"),
        ("gateway", "SMARTBIN_GATEWAY_HTTP", "nonsense"),
        ("gateway", "SMARTBIN_MQTT_URL", "http://x"),
        ("gateway", "SMARTBIN_MQTT_SHARE", "a/b"),
        ("api", "SMARTBIN_SITE", "/nowhere"),
        ("api", "SMARTBIN_TELEMETRY_URL", "mysql://x"),
        ("api", "SMARTBIN_RECORDS_URL", "nonsense"),
        ("api", "SMARTBIN_API_HTTP", "nonsense"),
    ],
)
def test_a_bad_setting_is_a_sentence_and_never_a_traceback(
    program: str, name: str, value: str, tmp_path: Path
) -> None:
    environ = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "SMARTBIN_SITE": str(ROOT / "deploy" / "xinbei"),
        "SMARTBIN_TELEMETRY_URL": f"sqlite:///{tmp_path}/t.db",
        "SMARTBIN_RECORDS_URL": f"sqlite:///{tmp_path}/r.db",
        "SMARTBIN_QUARANTINE": str(tmp_path / "q"),
        "SMARTBIN_GATEWAY_HTTP": "127.0.0.1:0",
        name: value,
    }
    command = [sys.executable, "-m", program]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("0*.md"):
        assert path.name in index, f"add {path.name} to docs/decisions/README.md"


def test_locks_hold_hashes_and_no_addresses() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index-url" not in text
