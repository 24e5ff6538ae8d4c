"""What InfluxDB's adapter promises beside the contract: values never become Flux, errors say what
to do, nothing is made silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules

from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput, StoreRefused, StoreUnavailable
from smartbin.facts.events import DoorKey, Item, LevelReading, Span
from smartbin.telemetry import TelemetryReader, open_reader, open_writer, setup
from smartbin.telemetry.influx.flux import text
from tests.contract.checks import DAY, FOREVER, KITCHEN, LATER_US, put
from tests.influx import Influx
from tests.places.small import SHANGHAI
from tests.real import free_port

pytestmark = pytest.mark.real
NOON_US = 1_774_756_800_000_000  # 2026-03-29 12:00 in Shanghai
HOSTILE = [
    'x" or true or r.device == "x',
    "${1 + 1}",
    '" |> drop() //',
    "\\",
    "\\x22",
    "a\nb",
    "a\r\n|> yield()",
    "tab\tand bell\a",
    "智能箱体 7, door=1",
    "'; DROP MEASUREMENT deposit",
    "🗑️",
    "\x00",
    "*",
    ".*",
]


@pytest.fixture
def url(influx_server: Influx) -> Iterator[str]:
    with influx_server.buckets() as made:
        yield made


def ask_everything(reader: TelemetryReader, name: str) -> list[object]:
    door = DoorKey(name, name)
    return [
        *reader.latest_levels([door], 0),
        *reader.levels(name, *FOREVER, 9),
        *reader.full_since({door: 1}, NOON_US * 2, 0),
        *reader.deposit_totals([Span(door, Days(DAY, DAY))], by_day=True),
        *reader.deposit_totals([Span(door, Days(DAY, DAY))], by_day=False),
        *reader.item_totals([Span(door, Days(DAY, DAY))]),
        *reader.deposits([door], *FOREVER, 9),
        *reader.collections([door], *FOREVER, 9),
        *reader.latest_statuses([name]),
        *reader.active_alarms([name]),
        *reader.presence([name], Days(DAY, DAY), LATER_US),
    ]


def test_no_name_becomes_flux(influx_server: Influx, url: str) -> None:
    writer = open_writer(url, SHANGHAI, influx_server.token)
    writer.append([put(KITCHEN, NOON_US, item=Item.PAPER), LevelReading(*KITCHEN, NOON_US, 99)])
    writer.close()
    reader = open_reader(url, SHANGHAI, influx_server.token)
    for name in HOSTILE:
        assert ask_everything(reader, name) == [], name
    reader.close()


def test_a_name_that_can_be_kept_comes_back_as_it_was(influx_server: Influx, url: str) -> None:
    writer = open_writer(url, SHANGHAI, influx_server.token)
    reader = open_reader(url, SHANGHAI, influx_server.token)
    for name in HOSTILE:
        fact = put(DoorKey(name, name), NOON_US)
        if name.isprintable() and not name.endswith("\\"):
            writer.append([fact])
            assert list(reader.deposits([DoorKey(name, name)], *FOREVER, 9)) == [fact]
        else:
            with pytest.raises(StoreRefused, match="cannot be a tag"):
                writer.append([fact])
    reader.close()
    writer.close()


def test_a_literal_holds_nothing_but_plain_characters() -> None:
    for name in HOSTILE:
        assert re.fullmatch(r'"([A-Za-z0-9_. -]|\\x[0-9a-f]{2})*"', text(name))


@pytest.mark.parametrize(
    "url",
    [
        "influx+http://",
        "influx+http://h:8086/?org=o",
        "influx+http://h:8086/?bucket=b",
        "influx+http://h:8086/?org=o&bucket=",
        "influx+http://h:8086/?org=o&bucket=b&token=t",
        "influx+http://me:secret@h:8086/?org=o&bucket=b",
        "influx+http://h:port/?org=o&bucket=b",
    ],
)
def test_a_bad_address_is_a_sentence(url: str) -> None:
    with pytest.raises(BadInput, match=r"SMARTBIN_TELEMETRY_(URL|TOKEN)") as caught:
        open_reader(url, SHANGHAI, "token")
    assert "secret" not in str(caught.value)


def test_without_a_token_the_setting_is_named(url: str) -> None:
    with pytest.raises(BadInput, match="SMARTBIN_TELEMETRY_TOKEN"):
        open_writer(url, SHANGHAI)


def test_an_operators_mistake_is_unavailable_and_says_which_setting(
    influx_server: Influx, url: str
) -> None:
    with pytest.raises(StoreUnavailable, match=r"401.*SMARTBIN_TELEMETRY_TOKEN"):
        open_writer(url, SHANGHAI, "wrong")
    reader = open_reader(url, SHANGHAI, "wrong")
    with pytest.raises(StoreUnavailable, match=r"401.*SMARTBIN_TELEMETRY_TOKEN"):
        reader.check()
    reader.close()
    nowhere = influx_server.url_of("not-there")
    with pytest.raises(StoreUnavailable, match=r"404.*smartbin setup"):
        open_writer(nowhere, SHANGHAI, influx_server.token)
    reader = open_reader(nowhere, SHANGHAI, influx_server.token)
    with pytest.raises(StoreUnavailable, match=r"404.*smartbin setup"):
        reader.check()
    reader.close()
    foreign = url.replace("org=", "org=x")
    with pytest.raises(StoreUnavailable, match=r"404.*org= and bucket= in SMARTBIN_TELEMETRY_URL"):
        open_writer(foreign, SHANGHAI, influx_server.token)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    url = f"influx+http://127.0.0.1:{free_port()}/?org=o&bucket=b"
    with pytest.raises(StoreUnavailable, match="SMARTBIN_TELEMETRY_URL"):
        open_writer(url, SHANGHAI, "token")


def test_what_is_older_than_the_retention_is_kept_and_gone(influx_server: Influx) -> None:
    """A reading that has expired is not a reason to refuse its batch; that the device was heard is
    kept forever.
    """
    with influx_server.buckets(levels_days=1) as url:
        writer = open_writer(url, SHANGHAI, influx_server.token)
        old = LevelReading(*KITCHEN, NOON_US - 10 * 365 * 86_400_000_000, 50, None, 7)
        deposit = put(KITCHEN, NOON_US)
        writer.append([old, deposit])
        writer.close()
        reader = open_reader(url, SHANGHAI, influx_server.token)
        assert list(reader.deposits([KITCHEN], *FOREVER, 9)) == [deposit]
        assert reader.latest_levels([KITCHEN], 0) == {}
        days = Days(date(2016, 3, 1), date(2016, 4, 30))
        assert [(p.hours, p.messages) for p in reader.presence(["bin-001"], days, LATER_US)] == [
            (1, 1)
        ]
        reader.close()


def test_setup_makes_checks_and_says_so(influx_server: Influx, tmp_path: Path) -> None:
    url = influx_server.url_of(f"setup_{free_port()}")
    token = influx_server.token
    name = url.rpartition("=")[2]
    assert list(setup(url, token)) == [
        f"{name}: made, kept forever",
        f"{name}_levels: made, kept 400 days",
    ]
    again = list(setup(url, token, None, tmp_path))
    assert again[:2] == [f"{name}: there, kept forever", f"{name}_levels: there, kept 400 days"]
    assert [line.partition(": ")[2] for line in again[2:]] == ["made, may write", "made, may read"]
    changed = list(setup(url, token, 30, tmp_path))
    assert changed[1] == f"{name}_levels: there; was kept 400 days, now kept 30 days"
    assert all(line.endswith(": kept") for line in changed[2:])


def test_a_bucket_whose_facts_would_expire_is_kept_for_ever_from_then_on(
    influx_server: Influx,
) -> None:
    url, token = influx_server.url_of(f"mended_{free_port()}"), influx_server.token
    name = url.rpartition("=")[2]
    with influx_server.client() as client:
        client.buckets_api().create_bucket(
            bucket_name=name,
            retention_rules=BucketRetentionRules(type="expire", every_seconds=30 * 24 * 3600),
        )
    mended = next(iter(setup(url, token)))
    assert mended == f"{name}: there; was kept 30 days, now forever, 91 days a shard from here on"
    assert next(iter(setup(url, token))) == f"{name}: there, kept forever"
    with influx_server.client() as client:
        (rule,) = client.buckets_api().find_bucket_by_name(name).retention_rules
        assert (rule.every_seconds, rule.shard_group_duration_seconds) == (0, 91 * 24 * 3600)


def test_tokens_may_do_what_their_program_must_and_no_more(
    influx_server: Influx, tmp_path: Path
) -> None:
    with influx_server.buckets() as url:
        list(setup(url, influx_server.token, None, tmp_path))
        secrets = {name: (tmp_path / name).read_text().strip() for name in ("writer", "reader")}
        assert all((tmp_path / name).stat().st_mode & 0o77 == 0 for name in secrets)
        writer = open_writer(url, SHANGHAI, secrets["writer"])
        fact = replace(put(KITCHEN, NOON_US), seq=None)
        writer.append([fact])
        writer.close()
        reader = open_reader(url, SHANGHAI, secrets["reader"])
        reader.check()
        assert list(reader.deposits([KITCHEN], *FOREVER, 9)) == [fact]
        reader.close()
        with pytest.raises(StoreUnavailable, match=r"40[134].*SMARTBIN_TELEMETRY_TOKEN|setup"):
            open_writer(url, SHANGHAI, secrets["reader"])


def test_a_poisonous_fact_alone_is_refused_with_influxdbs_reason(
    influx_server: Influx, url: str
) -> None:
    with influx_server.client() as client:
        line = f'deposit,device=old,door=kitchen paper_g="heavy" {NOON_US}'
        bucket = url.rpartition("=")[2]
        client.write_api(SYNCHRONOUS).write(bucket=bucket, record=line, write_precision="us")
    writer = open_writer(url, SHANGHAI, influx_server.token)
    poison = put(KITCHEN, NOON_US, item=Item.PAPER)
    with pytest.raises(StoreRefused, match="field type conflict"):
        writer.append([put(KITCHEN, NOON_US + 1), poison])
    with pytest.raises(StoreRefused, match='input field "paper_g"'):
        writer.append([poison])
    writer.close()
