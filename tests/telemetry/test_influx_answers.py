"""InfluxDB's answers, before any server: what became of a write, and where an answer was cut."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from influxdb_client.rest import ApiException
from urllib3.exceptions import ReadTimeoutError

from smartbin.core.errors import StoreRefused, StoreUnavailable
from smartbin.facts.events import LevelReading
from smartbin.telemetry.influx.address import address_of, typed_errors
from smartbin.telemetry.influx.flux import Row, rows
from smartbin.telemetry.influx.lines import LineMaker
from tests.places.small import SHANGHAI

ADDRESS = address_of("influx+http://127.0.0.1:8086/?org=o&bucket=b")
HEAD = ",result,table,_time,_value,_field,device,door\r\n"
AT = "2026-03-29T04:00:00Z"


@dataclass
class Answer:
    status: int
    data: bytes
    reason: str = "no reason"

    def getheaders(self) -> dict[str, str]:
        return {}

    def getheader(self, name: str) -> None:
        return None


@pytest.mark.parametrize("status", [400, 413, 422])
def test_only_what_the_content_is_to_blame_for_is_refused(status: int) -> None:
    said = Answer(status, b'{"code":"invalid","message":"field type conflict"}')
    with pytest.raises(StoreRefused, match=r"^field type conflict$"), typed_errors(ADDRESS):
        raise ApiException(http_resp=said)
    with pytest.raises(StoreRefused, match="UnicodeEncodeError"), typed_errors(ADDRESS):
        "\ud800".encode()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not know the token"),
        (403, "give the token of SMARTBIN_TELEMETRY_TOKEN access to the buckets b and b_levels"),
        (404, "make the buckets with 'smartbin setup'"),
        (429, r"cannot take or answer it now \(429, too busy\)"),
        (500, r"cannot take or answer it now \(500, too busy\)"),
        (503, r"cannot take or answer it now \(503, too busy\)"),
    ],
)
def test_all_else_can_be_mended_and_is_tried_again(status: int, said: str) -> None:
    for body in (b'{"message":"too busy"}', b"too busy\n"):
        with pytest.raises(StoreUnavailable, match=said), typed_errors(ADDRESS):
            raise ApiException(http_resp=Answer(status, body))
    with pytest.raises(StoreUnavailable, match=r"no reason|does not know"), typed_errors(ADDRESS):
        raise ApiException(http_resp=Answer(status if status != 404 else 502, b""))
    for error in (ReadTimeoutError(None, "", "slow"), ConnectionResetError()):  # type: ignore[arg-type]
        with pytest.raises(StoreUnavailable, match="cannot be reached"), typed_errors(ADDRESS):
            raise error


def test_an_answer_that_was_given_up_is_not_taken_for_whole() -> None:
    good = f"{HEAD},s,0,{AT},7,weight_g,bin-001,kitchen\r\n\r\n"
    row = Row("s", "bin-001", "kitchen", "", "weight_g", AT, "7")
    assert list(rows(good)) == [row]
    assert list(rows(good + good)) == [row, row]
    gave_up = "error,reference\r\nout of memory,897\r\n"
    for answer in (gave_up, good + gave_up):
        with pytest.raises(StoreUnavailable, match="ended its answer: out of memory 897"):
            list(rows(answer))


@pytest.mark.parametrize("at_us", [2**62, -(2**62)])
def test_a_time_outside_the_calendar_is_refused(at_us: int) -> None:
    with pytest.raises(StoreRefused, match="lies outside the calendar"):
        LineMaker(SHANGHAI).lines([LevelReading("bin-001", "kitchen", at_us, 50, None, 1)])
