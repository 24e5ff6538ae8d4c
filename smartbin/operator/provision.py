"""Credentials of devices: one each, made from the registry, hashed for Mosquitto.

Mosquitto's password file is the state: a device that stands in it may connect. The installer's
table holds the passwords in the clear, for as long as the office keeps it.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from smartbin.core.errors import BadInput

HEADER = ("device", "username", "password")
# A password holds 192 random bits, so stretching adds nothing an attacker would feel; the broker
# has one thread, and a fleet that reconnects must not wait for hashes. 101 is Mosquitto's own.
ITERATIONS = 101
_SALT_BYTES = 12  # Mosquitto 2.0 refuses any other length
_USER = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True)
class Provision:
    """The two files: ``passwords`` for the broker, ``installer`` for people (mode 0600)."""

    passwords: Path
    installer: Path

    def make(self, devices: Iterable[str]) -> list[str]:
        """Credentials for those devices that have none; answers which."""
        hashes = _read_hashes(self.passwords)
        made = [device for device in devices if device not in hashes]
        self._renew(hashes, made)
        return made

    def rotate(self, device: str) -> None:
        """A new password for one device; the broker takes it at its next reload (SIGHUP)."""
        hashes = _read_hashes(self.passwords)
        _must_have(hashes, device)
        self._renew(hashes, [device])

    def revoke(self, device: str) -> None:
        """The device may connect no more, from the broker's next reload (SIGHUP) on."""
        hashes = _read_hashes(self.passwords)
        _must_have(hashes, device)
        del hashes[device]
        rows = _read_installer(self.installer)
        rows.pop(device, None)
        # The broker's file first: what stops halfway has revoked, and can be repeated.
        _write_hashes(self.passwords, hashes)
        _write_installer(self.installer, rows)

    def has(self, user: str) -> bool:
        """Whether the broker knows this user."""
        return user in _read_hashes(self.passwords)

    def user(self, name: str, password: str) -> None:
        """A program's user (a gateway), whose password is kept elsewhere."""
        if not _USER.fullmatch(name):
            raise BadInput(f"user {name[:40]!r} is not a name; use 1 to 32 of a-z, 0-9 and '-'")
        if not password or not password.isprintable():
            raise BadInput("the password is empty or unprintable; write one line of text")
        hashes = _read_hashes(self.passwords)
        hashes[name] = hashed(password)
        _write_hashes(self.passwords, hashes)

    def _renew(self, hashes: dict[str, str], devices: Iterable[str]) -> None:
        rows = _read_installer(self.installer)
        for device in devices:
            password = secrets.token_urlsafe(24)
            hashes[device], rows[device] = hashed(password), password
        # The installer's table first: a password that only the broker knows is lost forever.
        _write_installer(self.installer, rows)
        _write_hashes(self.passwords, hashes)


def hashed(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """PBKDF2-SHA512 as Mosquitto 2 writes it: ``$7$iterations$salt$hash``."""
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def _must_have(hashes: Mapping[str, str], device: str) -> None:
    if device not in hashes:
        raise BadInput(
            f"device {device[:40]!r} has no credential; 'smartbin provision make' gives "
            "one to every device of the registry"
        )


def _read_hashes(path: Path) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for number, line in enumerate(_lines(path), 1):
        user, colon, value = line.partition(":")
        if not colon or not value.startswith("$"):
            raise BadInput(
                f"{path}:{number}: is not a line of a Mosquitto password file; remove it"
            )
        hashes[user] = value
    return hashes


def _read_installer(path: Path) -> dict[str, str]:
    rows = list(csv.reader(_lines(path)))
    if rows and (tuple(rows[0]) != HEADER or any(len(row) != 3 for row in rows)):
        raise BadInput(f"{path}: is not a table {','.join(HEADER)}; move it away and try again")
    return {row[0]: row[2] for row in rows[1:]}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error}); name a readable text file") from None


def _write_hashes(path: Path, hashes: Mapping[str, str]) -> None:
    # Readable by the broker's own user; the folder above keeps others out.
    _replace(path, "".join(f"{user}:{value}\n" for user, value in hashes.items()), 0o644)


def _write_installer(path: Path, rows: Mapping[str, str]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows((device, device, password) for device, password in sorted(rows.items()))
    # A table that the operator has opened to somebody stays open to them.
    _replace(path, text.getvalue(), path.stat().st_mode & 0o777 if path.exists() else 0o600)


def _replace(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all, never readable by more than ``mode`` allows."""
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written ({error.strerror}); choose a writable folder"
        ) from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``smartbin provision`` takes."""
    parser.add_argument("action", choices=["make", "rotate", "revoke", "user"])
    parser.add_argument("name", nargs="?", default="", help="the device, or the program's user")
    folder = Path("deploy/secrets")
    parser.add_argument("--passwords", type=Path, default=folder / "mosquitto/passwords")
    parser.add_argument("--installer", type=Path, default=folder / "devices.csv")
    parser.add_argument("--password-file", type=Path, help="for 'user': a file with its password")


def provision_command(args: argparse.Namespace, devices: Iterable[str]) -> str:
    """Carry out ``make``, ``rotate``, ``revoke`` or ``user``; answers what to tell the operator."""
    files, name = Provision(args.passwords, args.installer), args.name
    if args.action == "make":
        made = files.make(devices)
        done = f"{len(made)} credentials made · 新建 {len(made)} 个设备凭据: {files.installer}"
    elif not name:
        raise BadInput(f"provision {args.action}: say which, as in '{args.action} bin-007'")
    elif args.action == "user":
        if name in set(devices):
            raise BadInput(f"provision user: {name!r} is a device; use 'rotate {name}'")
        if args.password_file is None or not args.password_file.exists():
            raise BadInput("--password-file: name a file that holds the user's password")
        files.user(name, "\n".join(_lines(args.password_file)))
        done = f"{name}: may connect · 已允许连接"
    elif args.action == "rotate":
        if name not in set(devices):
            raise BadInput(
                f"provision rotate: {name[:40]!r} is not a device of the registry; a program's "
                "password is changed by 'user NAME --password-file FILE'"
            )
        files.rotate(name)
        done = f"{name}: new password in {files.installer} · 已更换密码"
    else:
        files.revoke(name)
        done = f"{name}: revoked · 已吊销"
    return f"{done}\nreload the broker now (SIGHUP) · 请重新加载代理"
