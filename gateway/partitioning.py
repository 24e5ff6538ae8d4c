"""How several gateways share a site's work: which devices and which client id are whose.

Two ways. Brokers that know shared subscriptions (``$share``) hand each message to one gateway of a
group. For those that do not (NATS), a setting divides the devices: ``SMARTBIN_MQTT_PART=1/2``.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from smartbin.core.errors import BadInput
from smartbin.facts.wire import ROOT

SLOT = "{slot}"
SLOTS_MAX = 99
PARTS_MAX = 999
_PART = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")


def filters_of(
    site: str, share: str = "", part: str = "", devices: Iterable[str] = ()
) -> list[str]:
    """What a gateway subscribes to: every kind of every device of the site, alone, sharing the
    work with the group ``share``, or only the devices of its ``part``. Raises BadInput.
    """
    if any(c in share for c in "/+#") or not share.isprintable():
        raise BadInput("SMARTBIN_MQTT_SHARE: a group's name has no '/', '+' or '#'")
    if share and part:
        raise BadInput(
            "SMARTBIN_MQTT_PART: is for brokers without shared subscriptions; leave it or "
            "SMARTBIN_MQTT_SHARE out"
        )
    if part:
        return [f"{ROOT}/{site}/{device}/+" for device in devices_of(part, devices)]
    everything = f"{ROOT}/{site}/+/+"
    return [f"$share/{share}/{everything}" if share else everything]


def devices_of(part: str, devices: Iterable[str]) -> list[str]:
    """The devices of a part, ``1/2``: those whose name's hash says so, so that a new device moves
    no other. Raises BadInput.
    """
    number, count = _part(part)
    mine = [device for device in devices if _hash(device) % count == number - 1]
    if not mine:
        raise BadInput(f"SMARTBIN_MQTT_PART: part {part} has no device; divide by less")
    return mine


def left_out(parts: Iterable[str], devices: Collection[str]) -> list[str]:
    """The devices that no gateway hears when gateways run with these parts."""
    heard = {device for part in parts for device in devices_of(part, devices)}
    return [device for device in devices if device not in heard]


def _part(text: str) -> tuple[int, int]:
    found = _PART.fullmatch(text)
    if not found or int(found[1]) > int(found[2]):
        raise BadInput(
            f"SMARTBIN_MQTT_PART: {text[:40]!r} is not a part; write 1/2 for the first of two "
            f"gateways and 2/2 for the second (at most {PARTS_MAX})"
        )
    return int(found[1]), int(found[2])


def _hash(device: str) -> int:
    """The same on every machine and in every release: a device must not change its gateway."""
    return int.from_bytes(hashlib.sha256(device.encode()).digest()[:8], "big")


def take_client_id(wanted: str, folder: Path, hold: contextlib.ExitStack) -> str:
    """The client id of this gateway, its ``{slot}`` replaced by the lowest number that no other
    gateway over the same ``folder`` holds; held until ``hold`` ends, or the process does.

    Replicas of a container are told apart by nothing that outlives them, yet a session at the
    broker must be found again: whoever comes next takes the slot, and with it the session.
    """
    if SLOT not in wanted:
        return wanted
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, SLOTS_MAX + 1):
        file = hold.enter_context((folder / f"slot-{number}.lock").open("a"))
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return wanted.replace(SLOT, str(number))
        file.close()
    raise BadInput(f"SMARTBIN_MQTT_CLIENT_ID: all {SLOTS_MAX} slots in {folder} are taken")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``smartbin parts`` takes."""
    parser.add_argument("parts", nargs="+", help="every gateway's part, as in 1/2 2/2")


def parts_command(parts: Sequence[str], devices: Collection[str]) -> tuple[str, int]:
    """Who hears how many devices, whom nobody hears; the text and the exit status."""
    lines = [f"{part}: {len(devices_of(part, devices))} devices · 台设备" for part in parts]
    missing = left_out(parts, devices)
    if missing:
        lines.append(f"left out · 遗漏 {len(missing)}: {' '.join(missing[:20])}")
    else:
        lines.append(f"none of {len(devices)} devices is left out · 全部设备均已覆盖")
    return "\n".join(lines), 1 if missing else 0
