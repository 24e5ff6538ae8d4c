"""The compose file agrees with the settings, the secrets that are made, and its own promises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.settings import ApiSettings
from gateway.settings import GatewaySettings
from simulator.settings import SimulatorSettings
from smartbin.core.settings import PREFIX, Settings
from smartbin.operator.secrets import make
from tests.real import ROOT, program

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
PROGRAMS: dict[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "setup": GatewaySettings,
    "tools": GatewaySettings,
    "api": ApiSettings,
    "simulator": SimulatorSettings,
}


def accepted(settings: type[Settings]) -> set[str]:
    names = {PREFIX + name.upper() for name in settings.model_fields}
    return names | {f"{name}_FILE" for name in names}


@pytest.mark.parametrize("service", PROGRAMS)
def test_every_setting_is_one_that_its_program_reads(service: str) -> None:
    names = {name for name in SERVICES[service]["environment"] if name.startswith(PREFIX)}
    assert names
    assert names <= accepted(PROGRAMS[service])


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_fenced_in(service: str) -> None:
    about = SERVICES[service]
    assert about["read_only"] is True
    assert about["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in about["security_opt"]
    assert re.fullmatch(r"[0-9]+[mg]", about["mem_limit"])
    assert about["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert about["restart"] in ("unless-stopped", "on-failure", "no")
    assert not about.get("privileged")
    tag = about["image"].removesuffix("}").rpartition(":")[2]
    assert re.match(r"v?[0-9]+\.[0-9]+", tag), f"{about['image']} is not pinned"


def test_every_image_of_the_dockerfile_is_pinned_and_it_gives_up_root() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.M)
    assert len(bases) == 3
    assert all(re.search(r":[0-9]+\.[0-9]+\.[0-9]+", base) for base in bases)
    assert re.findall(r"^USER (\S+)", text, re.M) == ["10001:10001"]


def test_what_the_screens_are_built_of_is_in_the_image_that_builds_them() -> None:
    scripts = json.loads((ROOT / "web/package.json").read_text(encoding="utf-8"))["scripts"]
    beside = set(re.findall(r"\.\./(docs/\S+)", " ".join(scripts.values())))
    assert beside, "the types of the API's answers are made of its description"
    copied = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for path in beside:
        assert f"COPY {path} " in copied
        assert f"!{path}" in let_in


def test_the_tool_that_dumps_is_of_the_release_of_the_server() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last = re.findall(r"^FROM (\S+)", text, re.M)[-1]
    assert last.rpartition("-")[2] == SERVICES["postgres"]["image"].rpartition("-")[2]


def test_only_what_others_need_is_reachable_from_outside() -> None:
    outside = {
        (service, port)
        for service, about in SERVICES.items()
        for port in about.get("ports", [])
        if not port.startswith("127.0.0.1:")
    }
    assert outside == {
        ("api", "${HTTPS_PORT:-443}:8443"),
        ("mosquitto", "${MQTTS_PORT:-8883}:8883"),
    }


@pytest.mark.process
def test_every_secret_is_a_file_that_make_secrets_makes(tmp_path: Path) -> None:
    program("openssl", "apt-get install openssl")
    folder = tmp_path / "secrets"
    make(folder, ["bin-001"])
    for name, where in COMPOSE["secrets"].items():
        path = where["file"].removeprefix("./deploy/secrets/")
        assert (folder / path).stat().st_size > 20, name
    used = {secret for about in SERVICES.values() for secret in about.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    holders = {
        service for service in SERVICES if "influx_token" in SERVICES[service].get("secrets", [])
    }
    assert holders == {"influxdb", "setup", "tools"}, "programs get tokens that may do less"


def test_no_password_or_token_stands_in_the_file() -> None:
    for service, about in SERVICES.items():
        for name, value in about.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|KEY", name):
                assert str(value).startswith(("/run/secrets/", "var/tokens/")), f"{service}: {name}"
