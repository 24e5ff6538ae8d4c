"""What stands still in every seed: the site, its tariff, its accounts and the clock."""

from __future__ import annotations

from datetime import date
from typing import Any

from smartbin.core import calendar
from smartbin.facts.wire import Decoder
from smartbin.points.rules.tariff import Tariff, Tariffs
from tests.places.small import SHANGHAI
from tests.points.books import DAY, HOME, OTHER, REGISTRY

_KITCHEN = {"deposit_points": 5, "kg_points": 10, "day_max": 2}
_RECYCLABLE = {"deposit_points": 1, "kg_points": 7}
_RULES = {"pause_s": 600, "week_max_points": 60, "kitchen": _KITCHEN, "recyclable": _RECYCLABLE}
TARIFF: dict[str, Any] = {"from": date(2024, 1, 1), "household": _RULES}
TARIFFS = Tariffs([Tariff.model_validate(TARIFF)])
CARDS = {HOME: "H1", OTHER: "H2"}
DECODER = Decoder(REGISTRY)
START_US = calendar.start_us(DAY, SHANGHAI)
ARRIVED_US = START_US + 7 * calendar.US_PER_DAY  # late, and not too late
CLOCK_US = START_US + 7 * calendar.US_PER_DAY + calendar.US_PER_HOUR
POISONOUS_G = 199_999  # telemetry refuses this weight
UNLUCKY_G = 199_998  # records refuse this weight
