"""What linters cannot say: documents, settings and decisions agree with the code."""

from __future__ import annotations

import ast
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
from simulator.settings import SimulatorSettings
from smartbin.__main__ import SETTINGS
from smartbin.capabilities import CAPABILITIES
from smartbin.core.errors import BadInput
from smartbin.core.settings import PREFIX, Settings, refuse_unknown
from smartbin.database import Database
from smartbin.facts.wire import asyncapi
from smartbin.settings import SiteSettings
from smartbin.telemetry import open_reader
from tests.places.small import SHANGHAI, small_registry
from tests.real import patient_s
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
    assert documented == used == SETTINGS


def test_the_site_reads_the_settings_of_every_capability() -> None:
    for one in (settings for capability in CAPABILITIES for settings in capability.settings):
        assert issubclass(SiteSettings, one), f"smartbin/settings.py: add {one.__name__}"


def test_a_misspelt_setting_is_refused_with_the_right_name() -> None:
    with pytest.raises(BadInput, match="did you mean SMARTBIN_TELEMETRY_URL"):
        refuse_unknown({"SMARTBIN_TELEMETRY_ULR": "x"}, SETTINGS)
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
@pytest.mark.process
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
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=patient_s(60)
    )
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


# What only smartbin/database may touch: every other way to a connection begins with one of these.
_WAYS_IN = {"Engine", "create_engine", "event", "exc", "engine", "pool"}
_INSIDE = {"engine", "migrations"}


def _ways_past(source: str) -> list[str]:
    """What of a module reaches the database past ``Database.read()`` and ``write()``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.startswith("sqlalchemy")]
        elif isinstance(node, ast.ImportFrom) and node.module:
            where, names = node.module, {alias.name for alias in node.names}
            if where == "sqlalchemy":
                found += sorted(names & _WAYS_IN)
            elif where.startswith("sqlalchemy.") and where.split(".")[1] in _WAYS_IN:
                found.append(where)
            elif where.startswith("smartbin.database."):
                found += [where] * (where.split(".")[2] in _INSIDE)
            elif where == "smartbin.database":
                found += sorted(names & _INSIDE)
        elif isinstance(node, ast.Attribute) and node.attr == "engine":
            found.append(".engine")
    return found


def test_the_database_is_reached_by_read_and_write_only() -> None:
    own = ROOT / "smartbin" / "database"
    modules = [
        path
        for room in ("api", "gateway", "simulator", "smartbin")
        for path in (ROOT / room).rglob("*.py")
        if own not in path.parents
    ]
    past = {str(path.relative_to(ROOT)): _ways_past(path.read_text("utf-8")) for path in modules}
    assert {path: found for path, found in past.items() if found} == {}
    assert any("database.write()" in path.read_text("utf-8") for path in modules)


@pytest.mark.parametrize(
    "source",
    [
        "from sqlalchemy import Connection, Engine",
        "import sqlalchemy as sa",
        "from sqlalchemy.exc import SQLAlchemyError",
        "from smartbin.database.engine import open_engine",
        "def put(database):\n    with database.engine.begin(): pass",
    ],
)
def test_a_way_past_is_found(source: str) -> None:
    assert _ways_past(source)
