"""A question about more doors than one statement takes is asked in several; names are never SQL."""

from __future__ import annotations

from pathlib import Path

from smartbin.events import DoorKey, Fact, Item, LevelReading
from smartbin.telemetry import open_reader, open_writer
from smartbin.telemetry.sqlite_reader import DOORS_AT_ONCE
from tests.contract.checks import FOREVER, KITCHEN, put
from tests.contract.test_influx import HOSTILE, NOON_US, ask_everything
from tests.places import SHANGHAI


def test_the_newest_levels_of_any_number_of_doors(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    writer, reader = open_writer(url, SHANGHAI), open_reader(url, SHANGHAI)
    doors = [DoorKey(f"bin-{n:05d}", "kitchen") for n in range(2 * DOORS_AT_ONCE + 3)]
    writer.append([LevelReading(*door, n, n % 101) for n, door in enumerate(doors, 1)])
    newest = reader.latest_levels([*doors, doors[0], DoorKey("bin-x", "kitchen")], 2)
    assert [newest[door].at_us for door in doors[1:]] == list(range(2, len(doors) + 1))
    assert doors[0] not in newest
    assert len(newest) == len(doors) - 1
    reader.close()
    writer.close()


def test_no_name_becomes_sql(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    writer, reader = open_writer(url, SHANGHAI), open_reader(url, SHANGHAI)
    own: list[Fact] = [put(KITCHEN, NOON_US, item=Item.PAPER), LevelReading(*KITCHEN, NOON_US, 99)]
    writer.append(own)
    for name in [*HOSTILE, "' OR '1'='1", "%", "_"]:
        assert ask_everything(reader, name) == [], name
        fact = put(DoorKey(name, name), NOON_US)
        writer.append([fact])
        assert list(reader.deposits([DoorKey(name, name)], *FOREVER, 9)) == [fact]
    assert list(reader.deposits([KITCHEN], *FOREVER, 9)) == own[:1]
    reader.close()
    writer.close()
