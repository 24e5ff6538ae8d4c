"""Every capability's routers, in the order in which addresses are tried."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from api.collection import collections, full, rounds
from api.devices import alarms, boards, detail, histories
from api.devices import routes as devices
from api.live import routes as live
from api.people import codes, session, users
from api.places import coverage
from api.places import routes as places
from api.points import held, months, shop, signals, statements, tariff
from api.quarantine import routes as quarantine
from api.sorting import communities, other_places, participation, rankings, revisions
from api.verdicts import routes as verdicts


@dataclass(frozen=True, slots=True)
class ApiCapability:
    """A folder of ``api/`` and the routers it announces."""

    name: str
    routers: tuple[APIRouter, ...]


# rankings before communities: `/communities/ranking` is not the community "ranking".
CAPABILITIES = (
    ApiCapability(
        "sorting",
        (
            rankings.router,
            communities.router,
            other_places.router,
            participation.router,
            revisions.router,
        ),
    ),
    ApiCapability("places", (coverage.router, places.router)),
    ApiCapability(
        "devices", (alarms.router, devices.router, detail.router, histories.router, boards.router)
    ),
    ApiCapability("verdicts", (verdicts.router,)),
    ApiCapability("quarantine", (quarantine.router,)),
    ApiCapability("people", (session.router, codes.router, users.router)),
    ApiCapability("collection", (full.router, rounds.router, collections.router)),
    ApiCapability(
        "points",
        (statements.router, shop.router, signals.router, held.router, tariff.router, months.router),
    ),
    ApiCapability("live", (live.router,)),
)
