"""A small site for tests: two communities, two bins of four doors, one collection point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from smartbin.core.calendar import Days
from smartbin.facts.events import Category
from smartbin.places import (
    Community,
    CommunityKind,
    Device,
    DeviceKind,
    Door,
    Membership,
    PlainBin,
    Registry,
    Site,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
ALWAYS = Days(date(2020, 1, 1), date(9999, 12, 30))


def small_registry(
    zone: ZoneInfo = SHANGHAI,
    took: Mapping[tuple[str, str], Category] = {},
    served: Mapping[str, Days] = {},
    called: Callable[[str], str] = str,
) -> Registry:
    """bin-001 belongs to ``oak``, bin-002 to ``elm``; point-01 serves both. Doors take what they
    are called, or what ``took`` says; devices serve always, or as ``served`` says; ``called`` may
    change every name.
    """
    kinds = {
        "bin-001": DeviceKind.BIN,
        "bin-002": DeviceKind.BIN,
        "point-01": DeviceKind.COLLECTION_POINT,
    }
    return Registry(
        Site("testsite", called("测试街道"), zone, 2, 2, 1, 1),
        [
            Community("oak", called("橡树社区"), CommunityKind.SHOWCASE, "G1", 540, False, 0, 0),
            Community("elm", called("榆树社区"), CommunityKind.STANDARD, "G2", 300, True, 400, 0),
        ],
        [
            Device(id, kind, called(id), 400 if id == "bin-002" else 0, 0, served.get(id, ALWAYS))
            for id, kind in kinds.items()
        ],
        [
            Door(device, name, took.get((device, name), name), 1320, 1200, 50, 80, 95, ALWAYS)
            for device in kinds
            for name in Category
        ],
        [PlainBin("plain-0001", "oak", Category.RESIDUAL, 240)],
        [Membership("bin-001", "oak", ALWAYS), Membership("bin-002", "elm", ALWAYS)],
        [Membership("oak", "point-01", ALWAYS), Membership("elm", "point-01", ALWAYS)],
    )
