"""What a telemetry store is: plain checks, listed in one table, run over every adapter.

Nothing to inherit and nothing to override. ``tests/contract/test_wrong_stores.py`` runs the same
table over stores that are deliberately wrong and sees each caught.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import SecondTelling
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DeviceState,
    DoorKey,
    Fact,
    Item,
    Judge,
    LevelReading,
    Span,
    Status,
    Verdict,
)
from smartbin.telemetry import DoorTotals, TelemetryReader, TelemetryWriter

KITCHEN = DoorKey("bin-001", "kitchen")
RESIDUAL = DoorKey("bin-001", "residual")
OTHER = DoorKey("bin-002", "kitchen")
DAY = date(2026, 3, 29)  # the day on which London's clocks go forward
FOREVER = (0, 2**62)
LATER_US = 4_102_444_800_000_000  # 2100


@dataclass(frozen=True)
class Store:
    """One adapter under test, empty; ``reader`` may be asked for again to look with fresh eyes."""

    zone: ZoneInfo
    writer: TelemetryWriter
    reader: Callable[[], TelemetryReader]

    def at(self, hour: float = 0, day: date = DAY, us: int = 0) -> int:
        return calendar.start_us(day, self.zone) + int(hour * calendar.US_PER_HOUR) + us


def put(key: DoorKey, at_us: int, weight_g: int = 1000, seq: int = 1, **more: object) -> Deposit:
    return replace(Deposit(*key, at_us, weight_g, seq=seq), **more)  # type: ignore[arg-type] # keywords are fields


def totals(store: Store, days: Days, *keys: DoorKey, by_day: bool = True) -> list[DoorTotals]:
    spans = [Span(key, days) for key in keys or (KITCHEN,)]
    found = store.reader().deposit_totals(spans, by_day=by_day)
    return sorted(found, key=lambda t: (t.door, t.day))


def check_appending_twice_is_appending_once(store: Store) -> None:
    facts: list[Fact] = [put(KITCHEN, store.at(n), 100 + n, seq=n) for n in range(5)]
    store.writer.append(facts)
    store.writer.append(facts[2:])
    store.writer.append([*facts, *facts])
    assert totals(store, Days(DAY, DAY)) == [DoorTotals(KITCHEN, DAY, 5, 510, 0, 0)]
    assert len(store.reader().deposits([KITCHEN], *FOREVER, 100)) == 5
    assert [p.messages for p in store.reader().presence(["bin-001"], Days(DAY, DAY), LATER_US)] == [
        5
    ]


def first_telling_stands(store: Store) -> None:
    """Also within one batch; what else is told is kept, and the same again is silent."""
    first = put(KITCHEN, store.at(1), 100, 1, verdict=Verdict.CORRECT, judge=Judge.CAMERA)
    heavier = replace(first, weight_g=900, item=Item.PAPER, verdict=None, judge=None)
    came_round = replace(first, seq=1001)
    level, other = LevelReading(*KITCHEN, store.at(1), 63, None, 2), put(OTHER, store.at(2), 7, 3)
    fuller = replace(level, level_pct=None, fault="no echo")
    with pytest.raises(SecondTelling) as told:
        store.writer.append([first, level, heavier, first])
    assert list(told.value.facts) == [heavier]
    with pytest.raises(SecondTelling) as told:
        store.writer.append([came_round, fuller, first, other])
    assert set(told.value.facts) == {came_round, fuller}
    store.writer.append([first, level, other])
    assert list(store.reader().deposits([KITCHEN, OTHER], *FOREVER, 9)) == [other, first]
    assert store.reader().latest_levels([KITCHEN], 0) == {KITCHEN: level}


def check_order_is_free(store: Store) -> None:
    facts = [put(KITCHEN, store.at(n / 4), n, seq=n) for n in range(40)]
    random.Random(7).shuffle(facts)
    for n in range(0, 40, 7):
        store.writer.append(facts[n : n + 7])
    found = store.reader().deposits([KITCHEN], *FOREVER, 100)
    assert [d.weight_g for d in found] == list(range(39, -1, -1))


def check_every_field_comes_back(store: Store) -> None:
    deposit = put(
        KITCHEN, store.at(1, us=123_456), 77, 9, verdict=Verdict.CORRECT, judge=Judge.CAMERA
    )
    recyclable = put(OTHER, store.at(2), 5, 10, item=Item.EXPRESS_PACKAGING, volume_ml=5_200)
    collection = Collection(*KITCHEN, store.at(3), 9_000, 800, "truck-3", 11)
    status = Status("bin-001", store.at(4), DeviceState.ONLINE, 80, 12_000, -70, -5, "2.4", 12)
    will = Status("bin-002", store.at(4), DeviceState.OFFLINE)
    level = LevelReading(*KITCHEN, store.at(5), 63, None, 13)
    missing = LevelReading(*RESIDUAL, store.at(5), None, "no echo")
    store.writer.append([deposit, recyclable, collection, status, will, level, missing])
    reader = store.reader()
    assert list(reader.deposits([KITCHEN, OTHER], *FOREVER, 9)) == [recyclable, deposit]
    assert list(reader.collections([KITCHEN], *FOREVER, 9)) == [collection]
    assert reader.latest_statuses(["bin-001", "bin-002", "x"]) == {
        "bin-001": status,
        "bin-002": will,
    }
    assert reader.latest_levels([KITCHEN, RESIDUAL], 0) == {KITCHEN: level, RESIDUAL: missing}


def check_an_account_is_not_kept(store: Store) -> None:
    store.writer.append([put(KITCHEN, store.at(1), account="K3f9Qz")])
    assert store.reader().deposits([KITCHEN], *FOREVER, 1)[0].account is None


def check_windows_are_half_open(store: Store) -> None:
    start, end = store.at(1), store.at(2)
    times = (start - 1, start, end - 1, end)
    store.writer.append([put(KITCHEN, t, seq=n) for n, t in enumerate(times)])
    store.writer.append([LevelReading(*KITCHEN, t, 1, None, n) for n, t in enumerate(times)])
    store.writer.append([Collection(*KITCHEN, t, 2, 1, None, n) for n, t in enumerate(times)])
    reader = store.reader()
    for rows in (
        reader.deposits([KITCHEN], start, end, 9),
        reader.levels("bin-001", start, end, 9),
        reader.collections([KITCHEN], start, end, 9),
    ):
        assert [row.at_us for row in rows] == [end - 1, start]


def check_days_are_the_sites(store: Store) -> None:
    for n in range(-1, 2):
        midnight = store.at(0, DAY + timedelta(days=n))
        store.writer.append([put(KITCHEN, midnight - 1, 1), put(KITCHEN, midnight, 10)])
    found = totals(store, Days(DAY - timedelta(days=1), DAY))
    assert [(t.day, t.deposits, t.weight_g) for t in found] == [
        (DAY - timedelta(days=1), 2, 11),
        (DAY, 2, 11),
    ]


def check_totals_by_day_and_in_all(store: Store) -> None:
    judged = {"verdict": Verdict.CORRECT, "judge": Judge.CAMERA}
    wrong = {"verdict": Verdict.INCORRECT, "judge": Judge.CAMERA}
    next_day = DAY + timedelta(days=1)
    store.writer.append(
        [
            put(KITCHEN, store.at(1), 100, 1, **judged),
            put(KITCHEN, store.at(2), 200, 2, **wrong),
            put(KITCHEN, store.at(3, next_day), 400, 3),
            put(OTHER, store.at(3), 800, 4),
        ]
    )
    days = Days(DAY, next_day)
    assert totals(store, days) == [
        DoorTotals(KITCHEN, DAY, 2, 300, 2, 1),
        DoorTotals(KITCHEN, next_day, 1, 400, 0, 0),
    ]
    assert totals(store, days, KITCHEN, RESIDUAL, OTHER, by_day=False) == [
        DoorTotals(KITCHEN, DAY, 3, 700, 2, 1),
        DoorTotals(OTHER, DAY, 1, 800, 0, 0),
    ]
    assert totals(store, Days(next_day, next_day), by_day=False) == [
        DoorTotals(KITCHEN, next_day, 1, 400, 0, 0)
    ]


def check_totals_by_item(store: Store) -> None:
    for n, item in enumerate((Item.PAPER, Item.PAPER, Item.GLASS, None)):
        store.writer.append([put(KITCHEN, store.at(n), 10, n, item=item)])
    found = store.reader().item_totals([Span(KITCHEN, Days(DAY, DAY))])
    assert sorted((t.item, t.deposits, t.weight_g) for t in found) == [
        (Item.GLASS, 1, 10),
        (Item.PAPER, 2, 20),
    ]


def check_the_newest_level_wins_and_a_silent_door_is_absent(store: Store) -> None:
    new = LevelReading(*KITCHEN, store.at(2), 80, None, 2)
    store.writer.append([new, LevelReading(*KITCHEN, store.at(1), 20, None, 1)])
    store.writer.append([LevelReading(*RESIDUAL, store.at(1), 50, None)])
    assert store.reader().latest_levels([KITCHEN, RESIDUAL], store.at(2)) == {KITCHEN: new}


def check_full_since(store: Store) -> None:
    levels = [85, 20, 82, None, 90, 95]
    store.writer.append(
        [LevelReading(*KITCHEN, store.at(n), pct, None, n) for n, pct in enumerate(levels)]
    )
    store.writer.append([LevelReading(*RESIDUAL, store.at(n), 85, None, None) for n in range(3)])
    reader = store.reader()
    both = {KITCHEN: 80, RESIDUAL: 85, OTHER: 1}
    assert reader.full_since(both, store.at(9), 0) == {KITCHEN: store.at(2), RESIDUAL: store.at(0)}
    assert reader.full_since({KITCHEN: 91}, store.at(9), 0) == {KITCHEN: store.at(5)}
    assert reader.full_since({KITCHEN: 80}, store.at(1), 0) == {KITCHEN: store.at(0)}
    assert reader.full_since({KITCHEN: 80}, store.at(2), 0) == {}
    assert reader.full_since({KITCHEN: 96, RESIDUAL: 86}, store.at(9), 0) == {}
    late = reader.full_since({KITCHEN: 80}, store.at(9), store.at(4))
    assert late == {KITCHEN: store.at(4)}
    assert reader.full_since({}, store.at(9), 0) == {}


def check_the_newest_alarm_decides(store: Store) -> None:
    smoke = Alarm(*KITCHEN, store.at(2), AlarmType.SMOKE, True, 2)
    store.writer.append(
        [
            smoke,
            Alarm(*KITCHEN, store.at(1), AlarmType.SMOKE, False, 1),
            Alarm("bin-001", "", store.at(1), AlarmType.TILT, True, 3),
            Alarm("bin-001", "", store.at(3), AlarmType.TILT, False, 4),
        ]
    )
    assert list(store.reader().active_alarms(["bin-001", "bin-002"])) == [smoke]


def check_presence_counts_hours_messages_and_counters(store: Store) -> None:
    for n, hour in enumerate((1, 1.5, 7, 22.5)):
        store.writer.append([LevelReading(*KITCHEN, store.at(hour), 5, None, 100 + 2 * n)])
        store.writer.append([LevelReading(*RESIDUAL, store.at(hour), 5, None, None)])
    heard = store.reader().presence(["bin-001", "bin-002"], Days(DAY, DAY), LATER_US)
    assert [(p.hours, p.messages, p.seq_min, p.seq_max) for p in heard] == [(3, 4, 100, 106)]


def check_a_running_hour_is_not_counted(store: Store) -> None:
    store.writer.append([put(KITCHEN, store.at(hour), 1, n) for n, hour in enumerate((1, 3, 5.2))])

    def heard(hour: float) -> list[tuple[int, int]]:
        found = store.reader().presence(["bin-001"], Days(DAY, DAY), store.at(hour))
        return [(p.hours, p.messages) for p in found]

    assert [heard(hour) for hour in (5.5, 6, 3.9, 0)] == [[(2, 3)], [(3, 3)], [(1, 3)], [(0, 3)]]
    yesterday, tomorrow = heard(-1), heard(25)
    assert (yesterday, tomorrow) == ([(0, 3)], [(3, 3)])


def check_counters_come_by_the_devices_clock(store: Store) -> None:
    """Of one millisecond by the counter: the identity wraps with every thousandth."""
    at_us = store.at(1)
    store.writer.append(
        [
            Alarm(*KITCHEN, at_us, AlarmType.SMOKE, True, 3000),
            Status("bin-001", at_us + 999, DeviceState.ONLINE, seq=2999),
            Collection(*RESIDUAL, at_us - 1000, 2, 1, None, 5000),
            put(KITCHEN, at_us + 1001, seq=1),
            LevelReading(*RESIDUAL, at_us + 2000, 1, None, None),
            LevelReading(*RESIDUAL, at_us + 2002, 1, None, 2),
            put(OTHER, at_us, seq=9),
        ]
    )
    reader = store.reader()
    assert list(reader.counters("bin-001", at_us - 1000, at_us + 2002, 9)) == [5000, 2999, 3000, 1]
    assert list(reader.counters("bin-001", *FOREVER, 2)) == [5000, 2999]


def check_limits_keep_the_newest(store: Store) -> None:
    store.writer.append([put(KITCHEN, store.at(n), n, n) for n in range(10)])
    store.writer.append([put(OTHER, store.at(n, us=1), n, n) for n in range(10)])
    found = store.reader().deposits([KITCHEN, OTHER], *FOREVER, 3)
    assert [(d.device, d.weight_g) for d in found] == [
        ("bin-002", 9),
        ("bin-001", 9),
        ("bin-002", 8),
    ]


def check_a_limit_cuts_whole_facts(store: Store) -> None:
    """What is cut off leaves nothing behind, though it has fields that the newest lack."""
    older_us, last_us = store.at(2), store.at(2.1)
    last, level = Collection(*KITCHEN, last_us, 20, 1), LevelReading(*KITCHEN, last_us, 5)
    store.writer.append([Collection(*KITCHEN, older_us, 10, 1, "crew-1", 1), last])
    store.writer.append([LevelReading(*KITCHEN, older_us, None, "no echo", 2), level])
    assert list(store.reader().collections([KITCHEN], *FOREVER, 1)) == [last]
    assert list(store.reader().levels("bin-001", *FOREVER, 1)) == [level]


def check_days_of_23_and_25_hours(store: Store) -> None:
    """Every hour of the days around both changes of London's clocks."""
    for change in (DAY, date(2026, 10, 25)):
        days = Days(change - timedelta(days=1), change + timedelta(days=2))
        start_us, end_us = calendar.bounds_us(days, store.zone)
        hours = range(start_us, end_us, calendar.US_PER_HOUR)
        store.writer.append([put(KITCHEN, at_us, 1, n) for n, at_us in enumerate(hours)])
        wanted = [(day, calendar.hours_in(day, store.zone)) for day in days]
        assert [(t.day, t.deposits) for t in totals(store, days)] == wanted
        heard = store.reader().presence(["bin-001"], days, LATER_US)
        assert [(p.day, p.hours) for p in heard] == wanted
        assert [p.messages for p in heard] == [n for _, n in wanted]
        assert [p.seq_max - p.seq_min + 1 for p in heard] == [n for _, n in wanted]


def check_the_newest_has_its_own_fields_alone(store: Store) -> None:
    """What an older fact had and the newest has not is not the newest's."""
    told = Status("bin-001", store.at(1), DeviceState.ONLINE, 80, 12_000, -70, -5, "2.4", 12)
    will = Status("bin-001", store.at(2), DeviceState.OFFLINE)
    faulty = LevelReading(*KITCHEN, store.at(1), None, "no echo", 3)
    level = LevelReading(*KITCHEN, store.at(2), 50)
    store.writer.append([told, will, faulty, level])
    assert store.reader().latest_statuses(["bin-001"]) == {"bin-001": will}
    assert store.reader().latest_levels([KITCHEN], 0) == {KITCHEN: level}


def check_any_text_comes_back(store: Store) -> None:
    for n, said in enumerate(
        ('"', "\\", "a\nb", "a\r\nb\r", "\\n", "\t \x7f", " ", "智能, 箱=体", "${x}")
    ):
        level = LevelReading(*KITCHEN, store.at(n), None, said)
        collection = Collection(*KITCHEN, store.at(n), 2, 1, said)
        status = Status("bin-001", store.at(n), DeviceState.ONLINE, firmware=said)
        store.writer.append([level, collection, status])
        assert store.reader().latest_levels([KITCHEN], 0) == {KITCHEN: level}
        assert list(store.reader().collections([KITCHEN], *FOREVER, 1)) == [collection]
        assert store.reader().latest_statuses(["bin-001"]) == {"bin-001": status}


def check_long_lists_are_whole(store: Store) -> None:
    """No reading falls between the pieces in which a store may read."""
    newest_us = store.at(12)
    times = {newest_us}
    for hours in (1, 16, 17, 24, 48, 256, 273, 4096, 4369):
        times |= {newest_us - hours * calendar.US_PER_HOUR + us for us in range(-2, 3)}
    store.writer.append([LevelReading(*KITCHEN, at_us, 1) for at_us in times])
    found = store.reader().levels("bin-001", *FOREVER, 1000)
    assert [r.at_us for r in found] == sorted(times, reverse=True)


def check_an_empty_store_answers(store: Store) -> None:
    store.writer.append([])
    reader = store.reader()
    reader.check()
    assert totals(store, Days(DAY, DAY), by_day=False) == []
    assert not reader.levels("bin-001", *FOREVER, 9)
    assert not reader.presence(["bin-001"], Days(DAY, DAY), LATER_US)


CHECKS: dict[str, Callable[[Store], None]] = {
    name: check for name, check in list(globals().items()) if name.startswith("check_")
}
