"""What people and crews of the made-up fleet do: every figure that shapes it, in one place.

Kitchen and residual are calibrated on 新建里, a community of 540 households in the same district,
August 2021: 6,427.53 kg and 5,751.54 kg in the month, accuracy about 90 %. The other figures are
plausible values, chosen so that doors fill up between two rounds.
"""

from __future__ import annotations

from itertools import accumulate

from smartbin.facts.events import Category, Item

# Grams a registered household gives a day.
GRAMS_A_DAY = {
    Category.KITCHEN: 384.0,
    Category.RECYCLABLE: 90.0,
    Category.HAZARDOUS: 2.0,
    Category.RESIDUAL: 344.0,
}
DEPOSIT_G = {
    Category.KITCHEN: 850.0,
    Category.RECYCLABLE: 550.0,
    Category.HAZARDOUS: 150.0,
    Category.RESIDUAL: 950.0,
}
WEIGHT_MIN_G, WEIGHT_MAX_G = 20, 15_000
WEIGHT_SHAPE = 3.0  # of the gamma distribution: few tiny bags, a long tail
GRAMS_A_LITRE = {
    Category.KITCHEN: 550,
    Category.RECYCLABLE: 60,
    Category.HAZARDOUS: 300,
    Category.RESIDUAL: 150,
}
# Monday to Sunday, mean 1: people cook and tidy at the weekend.
WEEKDAY = {
    Category.KITCHEN: (0.97, 0.96, 0.96, 0.97, 1.00, 1.06, 1.08),
    Category.RECYCLABLE: (0.90, 0.88, 0.90, 0.92, 0.98, 1.20, 1.22),
    Category.HAZARDOUS: (0.80, 0.80, 0.85, 0.90, 0.95, 1.35, 1.35),
    Category.RESIDUAL: (1.00, 0.97, 0.97, 0.97, 0.99, 1.04, 1.06),
}
# Share of a day's deposits by hour, 5 to 22 o'clock: before work and after dinner.
_HOURS = {
    5: 1, 6: 5, 7: 12, 8: 10, 9: 5, 10: 4, 11: 4, 12: 5, 13: 3,
    14: 2, 15: 2, 16: 3, 17: 6, 18: 11, 19: 13, 20: 9, 21: 4, 22: 1,
}  # fmt: skip
HOURS = tuple(_HOURS)
HOURS_CUMULATED = tuple(accumulate(_HOURS.values()))

CARDED = 0.92  # deposits that carry a card
JUDGED = 0.93  # deposits that the camera judged
ITEMS = {
    Item.PAPER: 24,
    Item.PLASTIC: 16,
    Item.METAL: 5,
    Item.GLASS: 6,
    Item.TEXTILE: 4,
    Item.GOODS_PACKAGING: 14,
    Item.DISPOSABLE_TABLEWARE: 9,
    Item.EXPRESS_PACKAGING: 22,
}
ITEM_NAMES = tuple(ITEMS)
ITEMS_CUMULATED = tuple(accumulate(ITEMS.values()))

# Rounds: every how many days a category's door is emptied, from which minute of the day on (the
# truck needs up to ROUND_MIN for its doors), and how often a round misses a door.
ROUND_EVERY_DAYS = {
    Category.KITCHEN: 1,
    Category.RECYCLABLE: 2,
    Category.HAZARDOUS: 7,
    Category.RESIDUAL: 1,
}
ROUND_FROM_MIN = {
    Category.KITCHEN: 20 * 60,
    Category.RECYCLABLE: 14 * 60,
    Category.HAZARDOUS: 10 * 60,
    Category.RESIDUAL: 9 * 60,
}
ROUND_MIN = 90
MISSED_ROUND = 0.05
TRUCK_MIN = 40  # from a bin to its collection point
POINT_EMPTIED_MIN = 22 * 60 + 30
TARE_G = 12_500

FILL_EVERY_MIN = 15
STATUS_EVERY_MIN = 60
ALARM_A_DAY = 0.015
FIRMWARE = "2.4.1"
