"""A site of two communities with rows of every kind in both, for tests of what a caller may see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from smartbin.accounts.store import Accounts
from smartbin.collection.rules import Confirmation
from smartbin.collection.store import ProblemReport, Round
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Category,
    Collection,
    Deposit,
    DeviceState,
    Judge,
    LevelReading,
    Status,
    Verdict,
)
from smartbin.facts.wire import Rejected
from smartbin.people.principals import Principal, Role
from smartbin.places import (
    Community,
    CommunityKind,
    Device,
    DeviceKind,
    Door,
    Membership,
    Registry,
    Site,
)
from smartbin.points.catalogue import Reward
from smartbin.points.settle import Settler
from smartbin.quarantine.store import Quarantine
from tests.api.client import ACCOUNT, NOON_US, Api, opened
from tests.places.small import ALWAYS, SHANGHAI
from tests.points.books import TARIFFS

OWN, FOREIGN = "oak", "willow"
NEIGHBOUR, STRANGER = "acc-oak-2", "acc-willow-1"
HOLDS = {ACCOUNT: ("card-1", OWN), NEIGHBOUR: ("card-2", OWN), STRANGER: ("card-3", FOREIGN)}
OWN_ROUND, FOREIGN_ROUND = str(UUID(int=1)), str(UUID(int=2))
OTHER_CREW = "truck-2"
NOTE = "locked-as-truck-2-met-it"  # what only the other crew's round says
WHY, AGENT = "judged-in-willow", "somebody-elses-browser"
# bin-moved was willow's until the 20th, and is oak's since.
MOVED = date(2026, 11, 20)
BEFORE_US = calendar.start_us(MOVED, SHANGHAI) - 37 * calendar.US_PER_HOUR
BEFORE = "2026-11-18T11:00:00"
BINS = {"bin-oak": OWN, "bin-moved": OWN, "bin-willow": FOREIGN}
HOUR_US = calendar.US_PER_HOUR


def registry() -> Registry:
    kinds = dict.fromkeys(BINS, DeviceKind.BIN) | {"point-1": DeviceKind.COLLECTION_POINT}
    until, since = Days(ALWAYS.first, MOVED - timedelta(days=1)), Days(MOVED, ALWAYS.last)
    return Registry(
        Site("testsite", "测试街道", SHANGHAI, 2, 3, 1, 1),
        [
            Community(id, id, CommunityKind.STANDARD, "G1", 540, False, 0, 0)
            for id in (OWN, FOREIGN)
        ],
        [Device(id, kind, id, 0, 0, ALWAYS) for id, kind in kinds.items()],
        [Door(id, name, name, 1320, 1200, 50, 80, 95, ALWAYS) for id in kinds for name in Category],
        [],
        [
            Membership("bin-oak", OWN, ALWAYS),
            Membership("bin-willow", FOREIGN, ALWAYS),
            Membership("bin-moved", FOREIGN, until),
            Membership("bin-moved", OWN, since),
        ],
        [Membership(id, "point-1", ALWAYS) for id in (OWN, FOREIGN)],
    )


@contextmanager
def site(folder: Path) -> Iterator[Api]:
    """An API over the site, with everything in it."""
    with opened(folder, registry()) as api:
        _facts(api)
        _points(api, folder)
        _rounds(api)
        _people(api)
        yield api


def _facts(api: Api) -> None:
    for n, bin in enumerate(BINS):
        times_us = [NOON_US - (5 - n) * HOUR_US, *([BEFORE_US] if bin == "bin-moved" else [])]
        for at_us in times_us:
            api.writer.append(
                [
                    LevelReading(bin, "kitchen", at_us, 97),
                    Collection(bin, "kitchen", at_us, 9_000, 1_000),
                    Status(bin, at_us, DeviceState.ONLINE, 10),
                    Deposit(bin, "kitchen", at_us, 2_000, Verdict.CORRECT, Judge.CAMERA),
                ]
            )
        api.writer.append(
            [
                LevelReading(bin, "residual", NOON_US - HOUR_US, 97),
                Alarm(bin, "", NOON_US - HOUR_US, AlarmType.TILT, True),
            ]
        )
    topic = "smartbin/v1/testsite/bin-willow/deposit"
    Quarantine(api.parts.quarantine).add([Rejected(topic, b"{", NOON_US, "bad_json", "", "x")])
    verdicts = api.parts.stores.verdicts
    for bin, at_us in (("bin-oak", NOON_US - 5 * HOUR_US), ("bin-moved", BEFORE_US),
                       ("bin-willow", NOON_US - 3 * HOUR_US)):  # fmt: skip
        deposit = Deposit(bin, "kitchen", at_us, 2_000, Verdict.CORRECT, Judge.CAMERA)
        why = "seen" if bin == "bin-oak" else WHY
        verdicts.add(deposit, Verdict.INCORRECT, Judge.SUPERVISOR, "wang", why, NOON_US)


def _points(api: Api, folder: Path) -> None:
    stores, database = api.parts.stores, api.parts.database
    table = folder / "accounts.csv"
    rows = [f"{card},household,{where},2025-01-01,,{code}" for code, (card, where) in HOLDS.items()]
    header = "card,kind,community,from,to,account"
    table.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    Accounts(database).load(table, api.parts.registry.communities, NOON_US)
    stores.catalogue.put(Reward("soap", "皂", "Soap", 5, 50))
    for n, (code, (card, where)) in enumerate(HOLDS.items()):
        bin = "bin-oak" if where == OWN else "bin-willow"
        at_us = NOON_US - 24 * HOUR_US - n
        deposit = Deposit(bin, "kitchen", at_us, 2_000, Verdict.CORRECT, Judge.CAMERA, account=card)
        DepositLines(database, SHANGHAI).append([deposit])
        stores.adjustments.add(code, f"gift-000{n}", 50, "a prize", "office", NOON_US)
        stores.redemptions.redeem(code, f"wish-000{n}", "soap", 1, "office", NOON_US)
    Settler(database, api.parts.registry, TARIFFS).settle(NOON_US)


def _rounds(api: Api) -> None:
    rounds = api.parts.stores.rounds
    crews = ((OWN_ROUND, Role.CREW.value, "bin-oak"), (FOREIGN_ROUND, OTHER_CREW, "bin-willow"))
    for n, (id, crew, bin) in enumerate(crews):
        rounds.start(Round(id, crew, Category.KITCHEN, NOON_US - 4 * HOUR_US), NOON_US)
        at_us = NOON_US - (2 + n) * HOUR_US
        emptied = Confirmation(str(UUID(int=10 + n)), id, crew, bin, "kitchen", at_us)
        rounds.keep([(emptied, None)], [], NOON_US)
        note = "locked" if id == OWN_ROUND else NOTE
        problem = ProblemReport(str(UUID(int=20 + n)), crew, bin, "kitchen", at_us, "locked", note)
        rounds.met(id, [problem], NOON_US)


def _people(api: Api) -> None:
    stores = api.parts.stores
    strangers = (
        stores.users.create("wang.willow", Role.COMMUNITY, FOREIGN, "four quiet lorries", NOON_US),
        stores.users.create("li.truck", Role.CREW, None, "four quiet lorries", NOON_US),
    )
    for one in strangers:
        stores.sessions.start(one.principal, AGENT, NOON_US)
    resident = Principal(Role.RESIDENT, STRANGER, account=STRANGER)
    stores.sessions.start(resident, AGENT, NOON_US)
    stores.tokens.create("board.willow", Role.COMMUNITY, FOREIGN)
