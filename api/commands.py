"""``smartbin api`` and ``smartbin openapi``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from api.app import create_app
from api.program import parts_of, serve
from api.settings import ApiSettings
from smartbin.core.command import Command, Group, add_print_config
from smartbin.database.command import add_wait


def _api(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = ApiSettings.read(environ)
    if args.print_config:
        print(settings.shown())
    else:
        serve(settings)
    return 0


def _openapi(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    app = create_app(parts_of(ApiSettings.read(environ), args.wait_s))
    print(json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True))
    return 0


API = Command(
    "api", Group.RUN, "answer HTTP and serve the screens, until stopped", "提供接口与页面",
    _api, add_print_config,
)  # fmt: skip
OPENAPI = Command(
    "openapi", Group.DEVELOP, "print the OpenAPI document", "输出接口说明", _openapi, add_wait
)
