"""``smartbin gateway``, ``parts`` and ``drain``: the gateway and what belongs to running it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gateway import partitioning
from gateway.program import run, run_drain
from gateway.settings import GatewaySettings
from smartbin.core.command import Command, Group, add_print_config
from smartbin.places.load import load


def _gateway(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = GatewaySettings.read(environ)
    if args.print_config:
        print(settings.shown())
        return 0
    return run(settings)


def _parts(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    devices = load(GatewaySettings.read(environ).site).devices
    text, status = partitioning.parts_command(args.parts, devices)
    print(text)
    return status


def _drain(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = GatewaySettings.read(environ)
    return run_drain(settings, args.client_id or settings.mqtt_client_id)


def _client_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "client_id", nargs="?", default="", help="whose session; ours when left out"
    )


GATEWAY = Command(
    "gateway", Group.RUN, "keep what devices send over MQTT, until stopped", "接收并保存设备消息",
    _gateway, add_print_config,
)  # fmt: skip
PARTS = Command(
    "parts", Group.SET_UP, "say whether a division among gateways leaves a device out",
    "检查网关分工有无遗漏", _parts, partitioning.add_arguments,
)  # fmt: skip
DRAIN = Command(
    "drain", Group.DATA, "take a gateway away for good, leaving nothing behind", "清空并停用网关",
    _drain, _client_id,
)  # fmt: skip
