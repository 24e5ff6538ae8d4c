"""Every adapter passes the one suite, in a zone without and in a zone with changing clocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput, SecondTelling, StoreRefused, StoreUnavailable
from smartbin.facts.events import Item, Judge, Span, Verdict
from smartbin.telemetry import DoorTotals, TelemetryReader, open_reader, open_writer
from tests.contract.checks import (
    CHECKS,
    DAY,
    KITCHEN,
    LATER_US,
    Store,
    first_telling_stands,
    put,
    totals,
)
from tests.contract.defects import SECOND_TELLINGS
from tests.contract.model import Model
from tests.influx import Influx

ADAPTERS = ["sqlite", pytest.param("influx", marks=pytest.mark.real)]


@pytest.fixture(params=ADAPTERS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str | None]]:
    """The URL of an empty store, and its token."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/telemetry.db", None
        return
    server: Influx = request.getfixturevalue("influx_server")
    with server.buckets() as url:
        yield url, server.token


@pytest.fixture(params=["Asia/Shanghai", "Europe/London"])
def store(request: pytest.FixtureRequest, address: tuple[str, str | None]) -> Iterator[Store]:
    zone = ZoneInfo(request.param)
    url, token = address
    writer = open_writer(url, zone, token)
    readers: list[TelemetryReader] = []

    def reader() -> TelemetryReader:
        readers.append(open_reader(url, zone, token))
        return readers[-1]

    yield Store(zone, writer, reader)
    for opened in readers:
        opened.close()
    writer.close()


@pytest.mark.parametrize("name", CHECKS)
def test_a_store_keeps_the_contract(store: Store, name: str) -> None:
    CHECKS[name](store)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/London"])
def test_the_first_telling_stands_as_a_whole(zone: str, tmp_path: Path) -> None:
    """On SQLite; InfluxDB does not look before it writes (see the port)."""
    url, of_site = f"sqlite:///{tmp_path}/telemetry.db", ZoneInfo(zone)
    writer, reader = open_writer(url, of_site), open_reader(url, of_site)
    first_telling_stands(Store(of_site, writer, lambda: reader))
    reader.close()
    writer.close()


@pytest.mark.parametrize("kind", SECOND_TELLINGS)
def test_a_store_that_treats_second_tellings_otherwise_is_caught(kind: type[Model]) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    right, wrong = Model(zone), kind(zone)
    first_telling_stands(Store(zone, right, lambda: right))
    with pytest.raises((AssertionError, SecondTelling, pytest.fail.Exception)):
        first_telling_stands(Store(zone, wrong, lambda: wrong))


def test_a_second_telling_adds_to_no_sum(tmp_path: Path) -> None:
    url, zone = f"sqlite:///{tmp_path}/telemetry.db", ZoneInfo("Asia/Shanghai")
    store = Store(zone, open_writer(url, zone), lambda: open_reader(url, zone))
    judged = {"verdict": Verdict.CORRECT, "judge": Judge.CAMERA}
    first, other = put(KITCHEN, store.at(1), 100, 1, **judged), put(KITCHEN, store.at(2), 7, 2)
    second = put(KITCHEN, store.at(1), 900, 1001, item=Item.PAPER)
    with pytest.raises(SecondTelling):
        store.writer.append([first, second, other])
    assert totals(store, Days(DAY, DAY)) == [DoorTotals(KITCHEN, DAY, 2, 107, 1, 1)]
    assert store.reader().item_totals([Span(KITCHEN, Days(DAY, DAY))]) == []
    (heard,) = store.reader().presence(["bin-001"], Days(DAY, DAY), LATER_US)
    assert (heard.messages, heard.seq_max) == (2, 2)


def test_a_reader_before_the_writer_says_what_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    reader = open_reader(url, ZoneInfo("Asia/Shanghai"))
    with pytest.raises(StoreUnavailable, match="start the gateway"):
        reader.check()
    writer = open_writer(url, ZoneInfo("Asia/Shanghai"))
    reader.check()
    reader.close()
    writer.close()


def test_content_that_can_never_be_kept_is_refused_and_nothing_of_it_stays(store: Store) -> None:
    good = put(KITCHEN, store.at(1))
    with pytest.raises(StoreRefused):
        store.writer.append([good, put(KITCHEN, store.at(2), weight_g=2**70)])
    assert not store.reader().deposits([KITCHEN], 0, 2**62, 9)
    store.writer.append([good])
    assert len(store.reader().deposits([KITCHEN], 0, 2**62, 9)) == 1


def test_another_zone_is_refused_with_the_remedy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    open_writer(url, ZoneInfo("Asia/Shanghai")).close()
    with pytest.raises(BadInput, match="SMARTBIN_TELEMETRY_URL"):
        open_writer(url, ZoneInfo("Europe/London"))
