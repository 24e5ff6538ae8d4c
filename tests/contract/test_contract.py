"""Every adapter passes the one suite, in a zone without and in a zone with changing clocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smartbin.core.errors import BadInput, StoreRefused, StoreUnavailable
from smartbin.telemetry import TelemetryReader, open_reader, open_writer
from tests.contract.checks import CHECKS, KITCHEN, Store, put
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
