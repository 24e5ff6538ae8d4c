"""Roll-ups of the SQLite telemetry store: what new rows add to the days' totals.

A batch is summed here and added with one statement a day and door. Triggers would do the same a
row at a time: measured 140,000 rows/s against 234,000 in batches of 5,000.
"""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection

from smartbin.core.calendar import US_PER_HOUR
from smartbin.telemetry.sqlite.tables import DEPOSIT, LEVEL, Row

_OF_LEVEL = LEVEL.pick("device", "door", "at_us", "level_pct")
_OF_DEPOSIT = DEPOSIT.pick("device", "door", "weight_g", "verdict", "item", "day")


def add_presence(db: Connection, rows: Iterable[Row]) -> None:
    """Messages heard, by device and day: a message's counter travels on its first fact, so
    facts that carry one count messages.
    """
    sums: dict[tuple[str, int], list[int]] = {}
    for row in rows:
        seq, day, hour = row[-3:]
        if seq is None:
            continue
        known = sums.get((row[0], day))
        if known is None:
            sums[row[0], day] = [1 << hour, 1, seq, seq]
            continue
        known[0] |= 1 << hour
        known[1] += 1
        if seq < known[2]:
            known[2] = seq
        elif seq > known[3]:
            known[3] = seq
    db.executemany(
        """INSERT INTO presence VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            hours = hours | excluded.hours, messages = messages + excluded.messages,
            seq_min = min(seq_min, excluded.seq_min), seq_max = max(seq_max, excluded.seq_max)""",
        [(*key, *values) for key, values in sums.items()],
    )


def add_deposits(db: Connection, rows: Iterable[Row]) -> None:
    """Totals of deposits by door and day, and of those that name an item by item too."""
    sums: dict[tuple[str, str, int], list[int]] = {}
    items: dict[tuple[str, str, int, str], list[int]] = {}
    for device, door, weight_g, verdict, item, day in map(_OF_DEPOSIT, rows):
        known = sums.get((device, door, day))
        if known is None:
            known = sums[device, door, day] = [0, 0, 0, 0]
        known[0] += 1
        known[1] += weight_g
        if verdict is not None:
            known[2] += 1
            known[3] += verdict == "correct"
        if item is not None:
            known = items.setdefault((device, door, day, item), [0, 0])
            known[0] += 1
            known[1] += weight_g
    db.executemany(
        """INSERT INTO deposit_day VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            deposits = deposits + excluded.deposits, weight_g = weight_g + excluded.weight_g,
            judged = judged + excluded.judged, correct = correct + excluded.correct""",
        [(*key, *values) for key, values in sums.items()],
    )
    db.executemany(
        """INSERT INTO deposit_item_day VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            deposits = deposits + excluded.deposits, weight_g = weight_g + excluded.weight_g""",
        [(*key, *values) for key, values in items.items()],
    )


def add_levels(db: Connection, rows: Iterable[Row]) -> None:
    """The lowest known level by door and UTC hour."""
    lows: dict[tuple[str, str, int], int] = {}
    for device, door, at_us, level_pct in map(_OF_LEVEL, rows):
        if level_pct is not None:
            key = device, door, at_us // US_PER_HOUR
            lows[key] = min(level_pct, lows.get(key, level_pct))
    db.executemany(
        """INSERT INTO level_low VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            level_pct = min(level_pct, excluded.level_pct)""",
        [(*key, low) for key, low in lows.items()],
    )
