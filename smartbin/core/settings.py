"""Settings: environment variables with the prefix SMARTBIN_, read once in a program's
``__main__`` and passed down frozen.

Each program and each capability subclasses ``Settings`` with the names it needs, and reads those.
A secret may come as NAME or as NAME_FILE (a file's path). One environment file serves every
program, so a name that none of them has is refused by ``refuse_unknown``: a misspelt setting is an
error and not a silence.
"""

from __future__ import annotations

import difflib
import re
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from smartbin.core.errors import BadInput

PREFIX = "SMARTBIN_"
_NOT_SETTINGS = (PREFIX + "TEST_", PREFIX + "BENCH_")
_IN_ADDRESS = re.compile(r"(?<=://)([^/:@?]*:).*(?=@)|([?&](?:token|password)=)[^&]*")


class Settings(BaseSettings):
    """What every program needs: the site."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    site: Path = Path("deploy/xinbei")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from an environment; raises BadInput with one sentence that names the
        setting and the remedy.
        """
        values: dict[str, str] = {}
        for name, value in sorted(environ.items()):
            if (field := _field(name)) in cls.model_fields:
                values[field] = value
            elif name.endswith("_FILE") and field.removesuffix("_file") in cls.model_fields:
                values[field.removesuffix("_file")] = _secret_from(name, value)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "settings"
            raise BadInput(
                f"{name}: {first['msg']} (docs/configuration.md tells what it takes)"
            ) from None

    def shown(self) -> str:
        """The effective values, one a line, secrets masked."""
        return "\n".join(
            f"{PREFIX}{name.upper()}={_plain(getattr(self, name))}"
            for name in type(self).model_fields
        )


def names_of(*classes: type[Settings]) -> frozenset[str]:
    """The environment variables that some settings read."""
    return frozenset(PREFIX + name.upper() for one in classes for name in one.model_fields)


def refuse_unknown(environ: Mapping[str, str], names: Collection[str]) -> None:
    """Raises BadInput for a variable with our prefix that is not one of ``names``."""
    for name in sorted(environ):
        if name.startswith(_NOT_SETTINGS) or not name.startswith(PREFIX):
            continue
        if name not in names and name.removesuffix("_FILE") not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadInput(f"{name}: unknown setting{hint} (docs/configuration.md lists them all)")


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).lower() if name.startswith(PREFIX) else ""


class StoreSettings(Settings):
    """Where telemetry, the database and refused messages are kept, for every program and command
    that opens them.
    """

    telemetry_url: str = "sqlite:///var/telemetry.db"
    telemetry_token: SecretStr = SecretStr("")
    records_url: str = "sqlite:///var/records.db"
    records_password: SecretStr = SecretStr("")
    quarantine: Path = Path("var/quarantine")


def listening(name: str, value: str, example: str) -> tuple[str, int]:
    """``host:port`` of a setting where a program is to listen, tried here so that a mistake is a
    sentence; BadInput names the setting.
    """
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise BadInput(f"{name}: {value!r} is not a host:port; write {example}")
    try:
        for family, kind, _, _, address in socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[:1]:
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"{name}: cannot listen at {value} ({why}); write {example}") from None
    return host.strip("[]"), int(port)


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    # An address may carry a password, in its user part or as a parameter.
    return "" if value is None else _IN_ADDRESS.sub(r"\1\2********", str(value))


def _secret_from(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or no path at all
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        remedy = f"name a readable file or set {name.removesuffix('_FILE')}"
        raise BadInput(f"{name}: cannot read {path} ({why}); {remedy}") from None
