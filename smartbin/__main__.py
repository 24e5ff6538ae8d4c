"""``smartbin VERB``: every program and command of the product; ``smartbin --help`` lists them.

A program is imported when it is asked for: the gateway stays as small as it was alone. The older
names (``python -m gateway``, ``api``, ``simulator``) are aliases, below.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from api.settings import ApiSettings
from gateway.settings import GatewaySettings
from simulator.settings import SimulatorSettings
from smartbin.core.command import (
    EXIT_BAD_INPUT,
    EXIT_NOT_DONE,
    Command,
    Group,
    perform,
)
from smartbin.core.errors import BadInput
from smartbin.core.settings import names_of, refuse_unknown

SETTINGS = names_of(ApiSettings, GatewaySettings, SimulatorSettings)
"""Every environment variable that some program reads."""


@dataclass(frozen=True, slots=True)
class Program:
    """A verb that is imported when it is asked for: ``load`` answers its command; one that parses
    its words itself has ``main`` instead.
    """

    name: str
    group: Group
    en: str
    zh: str
    load: Callable[[], Command] | None = None
    main: Callable[[Sequence[str]], int] | None = None


def _gateway() -> Command:
    from gateway.commands import GATEWAY

    return GATEWAY


def _parts() -> Command:
    from gateway.commands import PARTS

    return PARTS


def _drain() -> Command:
    from gateway.commands import DRAIN

    return DRAIN


def _jobs() -> Command:
    from smartbin.operator.jobs import JOBS

    return JOBS


def _api() -> Command:
    from api.commands import API

    return API


def _openapi() -> Command:
    from api.commands import OPENAPI

    return OPENAPI


def _simulate(argv: Sequence[str]) -> int:
    from simulator.commands import run_command

    return run_command(argv, "smartbin simulate")


def _demo(argv: Sequence[str]) -> int:
    from simulator.commands import run_command

    return run_command(["demo", *argv], "smartbin")


def _probe(argv: Sequence[str]) -> int:
    from smartbin.operator.probe import main

    return main(list(argv))


PROGRAMS = (
    Program("gateway", Group.RUN, "keep what devices send over MQTT", "接收设备消息", _gateway),
    Program("api", Group.RUN, "answer HTTP and serve the screens", "提供接口与页面", _api),
    Program("jobs", Group.RUN, "settle and publish apart from the API", "单独运行定时任务", _jobs),
    Program("demo", Group.RUN, "the whole system on this machine", "在本机演示", main=_demo),
    Program(
        "simulate", Group.RUN, "publish as a fleet that does not exist", "模拟设备发送数据",
        main=_simulate,
    ),
    Program(
        "parts", Group.SET_UP, "whether a division among gateways leaves a device out",
        "检查网关分工有无遗漏", _parts,
    ),
    Program("drain", Group.DATA, "take a gateway away for good", "清空并停用网关", _drain),
    Program("openapi", Group.DEVELOP, "print the OpenAPI document", "输出接口说明", _openapi),
    Program("probe", Group.DEVELOP, "whether a program is well", "健康检查", main=_probe),
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a verb; answers the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(contents())
        return 0 if words else EXIT_BAD_INPUT
    return _dispatch("smartbin", words[0], words[1:])


def contents() -> str:
    """The table of contents: every verb in its group, in English and Chinese."""
    verbs: list[Program | Command] = [*PROGRAMS, *_commands().values()]
    lines = ["usage: smartbin VERB ...", "", "'smartbin VERB --help' tells what a verb takes."]
    for group in Group:
        lines += ["", " · ".join(group.value)]
        lines += [f"  {one.name:<11} {one.en} · {one.zh}" for one in verbs if one.group is group]
    lines += [
        "",
        "Settings are environment variables (docs/configuration.md). Exit status: 0 done; 1 not",
        "done, for example a store is away; 2 a wrong option, setting or file.",
    ]
    return "\n".join(lines)


def _commands() -> dict[str, Command]:
    from smartbin.capabilities import CAPABILITIES
    from smartbin.operator.commands import COMMANDS

    listed = [command for one in CAPABILITIES for command in one.commands]
    return {command.name: command for command in (*COMMANDS, *listed)}


def _dispatch(
    prog: str,
    verb: str,
    argv: Sequence[str],
    given: argparse.Namespace | None = None,
    not_done: int = EXIT_NOT_DONE,
) -> int:
    try:
        refuse_unknown(os.environ, SETTINGS)
    except BadInput as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    program = next((one for one in PROGRAMS if one.name == verb), None)
    if program is not None and program.main is not None:
        return program.main(argv)
    loaded = program.load() if program is not None and program.load is not None else None
    commands = {verb: loaded} if loaded is not None else _commands()
    if verb in commands:
        return perform(commands[verb], f"{prog} {verb}", argv, given=given, not_done=not_done)
    near = difflib.get_close_matches(verb, [*commands, *(p.name for p in PROGRAMS)], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    print(f"smartbin: no verb {verb!r}{hint} ('smartbin --help' lists them)", file=sys.stderr)
    return EXIT_BAD_INPUT


# The older names, with the words and the exit statuses that they always had.
_GATEWAY = (
    *("run", "quarantine", "provision", "secrets", "parts", "drain", "copy", "backup"),
    *("restore", "setup"),
)
_API = ("serve", "openapi", "migrate", "publish", "token", "user", "accounts", "month", "settle")


def gateway(argv: Sequence[str] | None = None) -> int:
    """``smartbin-gateway`` and ``python -m gateway``."""
    return _alias("python -m gateway", _GATEWAY, {"run": "gateway"}, argv, EXIT_NOT_DONE)


def api(argv: Sequence[str] | None = None) -> int:
    """``smartbin-api`` and ``python -m api``."""
    return _alias("python -m api", _API, {"serve": "api"}, argv, EXIT_BAD_INPUT)


def simulator(argv: Sequence[str] | None = None) -> int:
    """``smartbin-simulator`` and ``python -m simulator``."""
    return _dispatch("", "simulate", sys.argv[1:] if argv is None else argv)


def _alias(
    prog: str,
    verbs: Sequence[str],
    renamed: Mapping[str, str],
    argv: Sequence[str] | None,
    not_done: int,
) -> int:
    parser = argparse.ArgumentParser(
        prog=prog, description="The older name of some verbs of smartbin: 'smartbin --help'."
    )
    parser.add_argument("--print-config", action="store_true", help="show the settings and end")
    parser.add_argument("--wait-s", type=float, metavar="S", help="of a command on the records")
    parser.add_argument("verb", nargs="?", choices=verbs, default=verbs[0])
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.print_config:
        return _dispatch(prog, renamed[verbs[0]], ["--print-config"])
    given = argparse.Namespace() if args.wait_s is None else argparse.Namespace(wait_s=args.wait_s)
    return _dispatch(prog, renamed.get(args.verb, args.verb), args.rest, given, not_done)


if __name__ == "__main__":
    sys.exit(main())
