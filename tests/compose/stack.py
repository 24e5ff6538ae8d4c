"""The compose file run as it is, from a copy of the tree with secrets of its own."""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from smartbin.operator.secrets import make
from smartbin.places.load import load
from tests.real import ROOT, free_port, missing, patient_s, program

FILES = (
    *(
        "docker-compose.yml",
        "Dockerfile",
        ".dockerignore",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    ),
    *("requirements.lock", "requirements-build.lock", "deploy", "web", "docs"),
    *("smartbin", "gateway", "api", "simulator"),
)
UP_S = 600


def command() -> list[str]:
    """``docker compose``, or what SMARTBIN_TEST_COMPOSE names."""
    named = os.environ.get("SMARTBIN_TEST_COMPOSE")
    if named:
        return shlex.split(named)
    docker = shutil.which("docker")
    if (
        docker
        and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0
    ):
        return [docker, "compose"]
    return missing(
        "docker compose", "install Docker, or set SMARTBIN_TEST_COMPOSE to a command like it"
    )


class Stack:
    """One project: its folder, ports and secrets. ``engine`` is the compose command."""

    def __init__(self, folder: Path) -> None:
        program("openssl", "apt-get install openssl")
        self.engine = command()
        self.folder = folder
        for name in FILES:
            source = ROOT / name
            if source.is_dir():
                skip = shutil.ignore_patterns("node_modules", "static", "__pycache__", "secrets")
                shutil.copytree(source, folder / name, ignore=skip)
            else:
                shutil.copy(source, folder / name)
        self.secrets = folder / "deploy/secrets"
        self.devices = list(load(folder / "deploy/xinbei").devices)
        make(self.secrets, self.devices)
        self.https_port, self.mqtts_port = free_port(), free_port()
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": f"smartbin-test-{os.getpid()}",
            "HTTPS_PORT": str(self.https_port),
            "MQTTS_PORT": str(self.mqtts_port),
        }
        self._trusting = ssl.create_default_context(cafile=str(self.secrets / "ca.crt"))

    def run(
        self, *args: str, check: bool = True, within_s: float = UP_S, said: str | None = None
    ) -> str:
        """A compose command, ``said`` on its standard input; its output, errors included."""
        done = subprocess.run(
            [*self.engine, *args],
            cwd=self.folder,
            env=self._environment,
            input=said or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=within_s,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"compose {' '.join(args)}: {done.stdout[-3000:]}")
        return done.stdout

    def get(self, path: str, token: str = "") -> tuple[int, Any]:
        """Over HTTPS, under our own authority; 0 when nobody answers."""
        request = urllib.request.Request(f"https://127.0.0.1:{self.https_port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(
                request, timeout=patient_s(20), context=self._trusting
            ) as answer:
                body = answer.read()
                return answer.status, json.loads(body) if body[:1] in b"{[" else body.decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (OSError, ValueError) as error:
            return 0, str(error)

    def password(self, device: str) -> str:
        """What the installer's table says."""
        with (self.secrets / "devices.csv").open(newline="") as file:
            return {row["device"]: row["password"] for row in csv.DictReader(file)}[device]

    def secret_values(self) -> list[str]:
        """Every secret in the clear, and what the keys hold."""
        values = [(self.secrets / name).read_text().strip() for name in ("mqtt_password",)]
        for name in ("influx_password", "influx_token", "postgres_password"):
            values.append((self.secrets / name).read_text().strip())
        values += [self.password(device) for device in self.devices]
        for key in ("ca.key", "api/server.key", "mosquitto/server.key"):
            values.append((self.secrets / key).read_text().splitlines()[1])
        return values
