"""Commands of the command line: what each is called, what it takes, and how one is carried out.

A capability lists its commands in ``commands.py``; ``smartbin/__main__.py`` shows and runs them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum

from smartbin.core import calendar
from smartbin.core.errors import BadInput, StoreRefused, StoreUnavailable, UnknownPlace
from smartbin.core.printable import log_to_stderr

EXIT_NOT_DONE, EXIT_BAD_INPUT = 1, 2
FIRST_DAY, LAST_DAY = date(2020, 1, 1), date(2100, 1, 1)


class Group(Enum):
    """The chapters of ``smartbin --help``, in their order: English and Chinese."""

    RUN = ("Run", "运行")
    SET_UP = ("Set up", "建站")
    PEOPLE = ("People and programs", "人员与程序")
    POINTS = ("Accounts, points and figures", "账户、积分与统计")
    DATA = ("Data", "数据")
    DEVELOP = ("Develop and watch", "开发与监测")


@dataclass(frozen=True, slots=True)
class Command:
    """A verb. ``run`` gets its options and the environment and answers the exit status; it raises
    BadInput for what the caller gave, StoreUnavailable or StoreRefused for what could not be done.
    """

    name: str
    group: Group
    en: str
    zh: str
    run: Callable[[argparse.Namespace, Mapping[str, str]], int]
    arguments: Callable[[argparse.ArgumentParser], None] = lambda _: None

    def parser(self, prog: str) -> argparse.ArgumentParser:
        """The parser of this command's options."""
        parser = argparse.ArgumentParser(
            prog=prog, description=f"{self.en[0].upper()}{self.en[1:]}. {self.zh}。"
        )
        self.arguments(parser)
        return parser


def perform(
    command: Command,
    prog: str,
    argv: Sequence[str],
    environ: Mapping[str, str] | None = None,
    given: argparse.Namespace | None = None,
    not_done: int = EXIT_NOT_DONE,
) -> int:
    """Parse and run one command; answers the exit status: 0, ``not_done`` when a store could not
    take or answer it, 2 for a wrong option, setting or file. ``given`` are options set before.
    """
    args = command.parser(prog).parse_args(argv, given)
    log_to_stderr()
    try:
        return command.run(args, os.environ if environ is None else environ)
    except (BadInput, UnknownPlace) as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except (StoreUnavailable, StoreRefused) as error:
        print(error, file=sys.stderr)
        return not_done
    except BrokenPipeError:  # the reader of our output (head) has enough; the rest goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_NOT_DONE
    except OSError as error:
        if error.filename is None:
            raise
        print(f"{error.filename}: {error.strerror}; name another path", file=sys.stderr)
        return EXIT_BAD_INPUT


def now_us() -> int:
    """The clock of programs and commands: UTC microseconds."""
    return calendar.to_us(datetime.now(UTC))


def add_print_config(parser: argparse.ArgumentParser) -> None:
    """The option ``--print-config`` of every program."""
    parser.add_argument("--print-config", action="store_true", help="show the settings and end")


def day(text: str) -> date:
    """The type of an option that takes a day."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        day = date.min
    if not FIRST_DAY <= day <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date since 2020; write 2026-11-01")
    return day
