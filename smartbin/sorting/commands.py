"""``smartbin publish``: the figures of past days."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from smartbin.core.command import Command, Group, now_us
from smartbin.core.settings import StoreSettings
from smartbin.database.command import add_wait, opened
from smartbin.places.load import load
from smartbin.sorting.publish import publish
from smartbin.telemetry import open_reader


def _publish(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = StoreSettings.read(environ)
    registry = load(settings.site)
    token = settings.telemetry_token.get_secret_value() or None
    reader = open_reader(settings.telemetry_url, registry.site.zone, token)
    count = publish(registry, reader, opened(settings, args.wait_s), now_us())
    print(f"{count} figures published")
    return 0


COMMANDS = (
    Command(
        "publish", Group.POINTS, "publish past days' figures that changed, for cron",
        "发布往日统计", _publish, add_wait,
    ),
)  # fmt: skip
