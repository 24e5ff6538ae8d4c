"""``smartbin secrets``: every secret of a deployment as a file with random content.

What is there stays, so the command can be repeated at any time: it adds what is missing. The
folder is closed to others (0700); the files in it are readable, for containers run as users that
own nothing here and see only the files they are given.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from smartbin.core.errors import BadInput
from smartbin.operator.provision import Provision

USER = "gateway"
# One random line each.
LINES = (
    *("mqtt_password", "influx_password", "influx_token", "postgres_password"),
    "grafana_password",
)
# A private authority of one's own: ten years. Servers' certificates: what clients accept.
CA_DAYS, SERVER_DAYS = 3650, 820
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def make(folder: Path, devices: Iterable[str], hosts: Sequence[str] = ()) -> list[str]:
    """Make what is missing; answers the names of what was made. ``hosts``: under which names and
    addresses the broker and the API are reached, besides localhost and their names in compose.
    """
    for host in hosts:
        if not _HOST.fullmatch(host) and not _is_address(host):
            raise BadInput(
                f"--host: {host!r} is neither a name nor an address; write bins.example.org"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        made = [name for name in LINES if _write(folder / name, secrets.token_urlsafe(32))]
        made += _authority(folder)
        made += _server(folder, "mosquitto", hosts)
        made += _server(folder, "api", hosts)
    except OSError as error:
        raise BadInput(f"--folder: {error.filename}: {error.strerror}; choose another") from None
    credentials = Provision(folder / "mosquitto/passwords", folder / "devices.csv")
    made += credentials.make(devices)
    # The installer's table is read by the simulator's container too; the folder keeps others out.
    credentials.installer.chmod(0o644)
    if "mqtt_password" in made or not credentials.has(USER):
        credentials.user(USER, (folder / "mqtt_password").read_text(encoding="utf-8").strip())
    return made


def _authority(folder: Path) -> list[str]:
    """The authority that signs both servers; only its certificate is given to anybody."""
    if (folder / "ca.key").exists():
        return []
    _openssl(
        folder,
        *("req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-days", str(CA_DAYS)),
        *("-subj", "/CN=smartbin private authority"),
        *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    (folder / "ca.key").chmod(0o600)
    return ["ca.key", "ca.crt"]


def _server(folder: Path, name: str, hosts: Sequence[str]) -> list[str]:
    """A server's key and certificate, in a folder that only its container is given."""
    home = folder / name
    home.mkdir(exist_ok=True)
    if (home / "server.crt").exists():
        return []
    names = dict.fromkeys([name, "localhost", "127.0.0.1", *hosts])
    listed = ",".join(f"{'IP' if _is_address(n) else 'DNS'}:{n}" for n in names)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        request = ["req", "-new", *_KEY, "-keyout", f"{work}/key", "-out", f"{work}/request"]
        _openssl(folder, *request, "-subj", f"/CN={name}")
        Path(work, "extensions").write_text(
            f"subjectAltName={listed}\nbasicConstraints=critical,CA:FALSE\n"
            "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n",
            encoding="utf-8",
        )
        _openssl(
            folder,
            *("x509", "-req", "-in", f"{work}/request", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-CAserial", f"{work}/serial", "-days", str(SERVER_DAYS)),
            *("-extfile", f"{work}/extensions", "-out", f"{work}/crt"),
        )
        Path(work, "key").chmod(0o644)
        # The certificate last: it stands for both.
        Path(work, "key").replace(home / "server.key")
        Path(work, "crt").replace(home / "server.crt")
    return [f"{name}/server.key", f"{name}/server.crt"]


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(folder: Path, *args: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise BadInput("openssl is missing: install it (apt-get install openssl) and try again")
    done = subprocess.run(  # noqa: S603 - no shell; hosts were checked
        [program, *args], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BadInput(f"openssl {args[0]} failed: {done.stderr.strip()[-300:]}")


def _write(path: Path, text: str) -> bool:
    """A new file with one line; False when it is there already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o644)
        file.write(f"{text}\n")
    return True


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``smartbin secrets`` takes."""
    parser.add_argument("--folder", type=Path, default=Path("deploy/secrets"))
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        help="a name or address under which devices and browsers reach this machine; repeat it",
    )


def secrets_command(args: argparse.Namespace, devices: Iterable[str]) -> str:
    """Make what is missing; answers what to tell the operator."""
    made = make(args.folder.absolute(), devices, args.host)
    return (
        f"{len(made)} secrets made · 新建 {len(made)} 项密钥: {args.folder}; what was there stays"
    )
