"""The registry's folder: the shipped site counts up, every mistake is named, nothing crashes."""

from __future__ import annotations

import itertools
import re
import shutil
import time
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartbin.__main__ import main
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput, UnknownPlace
from smartbin.places import CommunityKind, DeviceKind, tables
from smartbin.places.load import load, warnings
from smartbin.places.tables import Mistakes, TableRow, disjoint

XINBEI = Path(__file__).parents[2] / "deploy" / "xinbei"
TABLES = sorted(path.name for path in XINBEI.glob("*.csv"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(XINBEI, tmp_path / "site"))


def mistakes(folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load(folder)
    return str(caught.value)


def edit(folder: Path, table: str, old: str, new: str) -> None:
    path = folder / table
    text = path.read_text(encoding="utf-8-sig")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_site_is_the_plans() -> None:
    registry = load(XINBEI)
    kinds = [device.kind for device in registry.devices.values()]
    assert (len(registry.communities), len(registry.plain_bins)) == (39, 1000)
    assert (kinds.count(DeviceKind.BIN), kinds.count(DeviceKind.COLLECTION_POINT)) == (39, 12)
    assert sum(not c.placeholder for c in registry.communities.values()) == 4
    leaders = {
        c.name for c in registry.communities.values() if c.kind is not CommunityKind.STANDARD
    }
    assert leaders == {"贻成豪庭", "贻成尚北", "晓镇家园", "诺德名苑"}
    assert all(len(registry.doors_of_device(device)) == 4 for device in registry.devices)
    today = Days(date(2026, 11, 24), date(2026, 11, 24))
    for community in registry.communities:
        assert len(registry.doors_of_community(community, today)) == 4
    assert all(registry.collection_point_of(d, today.first) for d in registry.devices)


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        ("memberships.csv", "bin-001,", "bin-999,", "memberships.csv:2: bin 'bin-999' is unknown"),
        ("devices.csv", "bin-002,", "bin-001,", "devices.csv:3: device 'bin-001' stands at"),
        ("doors.csv", "bin-001,kitchen,kitchen,1320", "bin-001,kitchen,kitchen,1e3", "doors.csv:2"),
        ("doors.csv", "bin-001,kitchen,kitchen", "bin-001,kitchen,soup", "'soup' is unknown"),
        ("doors.csv", "bin-001,residual", "bin-001,kitchen", "door bin-001/kitchen overlaps"),
        (
            "devices.csv",
            "2024-01-01",
            "1.1.2024",
            "devices.csv:2: from '1.1.2024' does not begin with the year",
        ),
        ("communities.csv", "households", "homes", "communities.csv:1: no column households"),
        ("site.csv", "Asia/Shanghai", "Mars/Base", "zone 'Mars/Base' is unknown"),
        ("devices.csv", "bin-001", "bin/+#", "is not an id; use 1 to 32 of"),
        ("plain_bins.csv", "plain-0001,", "plain-0001,,", "cells instead of 4"),
    ],
)
def test_each_mistake_is_named(folder: Path, table: str, old: str, new: str, said: str) -> None:
    edit(folder, table, old, new)
    assert said in mistakes(folder)


# What goes wrong in an office, each with its file, its line and what to do.
IN_AN_OFFICE = {
    "unknown reference": (
        ("memberships.csv", "bin-003,", "bin-003,no-such-"),
        r"memberships\.csv:4: community 'no-such-[a-z-]+' is unknown; add it to communities\.csv",
    ),
    "duplicate id": (
        ("devices.csv", "bin-005,", "bin-004,"),
        r"devices\.csv:6: device 'bin-004' stands at devices\.csv:5 too; rename or remove one",
    ),
    "overlapping membership": (
        ("memberships.csv", "bin-002,", "bin-001,2020-01-01,2024-01-01\nbin-002,"),
        r"memberships\.csv:3: membership of bin-001 overlaps memberships\.csv:2; end one before",
    ),
    "missing door": (
        ("doors.csv", "\nbin-001,hazardous,hazardous", "\nbin-002,hazard,hazardous"),
        r"devices\.csv:2: device bin-001 has no door for hazardous, as others .*; add it to doors",
    ),
    "bin without a community": (
        ("memberships.csv", "bin-006,", "bin-005,"),
        r"devices\.csv:7: bin bin-006 belongs to no community; add a line to memberships\.csv",
    ),
    "wrong number": (
        ("communities.csv", ",yes,", ",ja,"),
        r"communities\.csv:\d+: placeholder 'ja' is unknown; use yes or no",
    ),
    "number with a unit": (
        ("doors.csv", "bin-001,kitchen,kitchen,1320", "bin-001,kitchen,kitchen,1320 l"),
        r"doors\.csv:2: capacity_l '1320 l' is not a whole number from 1 to \d+; write digits",
    ),
}


@pytest.mark.parametrize("name", IN_AN_OFFICE)
def test_a_message_names_file_line_and_remedy(folder: Path, name: str) -> None:
    (table, old, new), said = IN_AN_OFFICE[name]
    if name == "overlapping membership":
        new = new.replace("bin-001,", f"bin-001,{next(iter(load(folder).communities))},")
    edit(folder, table, old, new)
    assert re.search(said, mistakes(folder)), mistakes(folder)


def test_not_utf_8_is_named_with_its_line_and_a_spreadsheets_mark_is_fine(folder: Path) -> None:
    path = folder / "communities.csv"
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text, encoding="utf-8")
    assert len(load(folder).communities) == 39, "without the mark"
    path.write_text(text.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    assert len(load(folder).communities) == 39, "with the mark, and with Windows' line ends"
    header, _, rest = text.partition("\n")
    path.write_bytes(f"{header}\n".encode() + rest.encode("gb18030") + b"\xff\xff\n")
    said = (
        r"communities\.csv:\d+: is neither UTF-8 nor GB18030 \(byte \d+\); save it as 'CSV UTF-8'"
    )
    assert re.search(said, mistakes(folder))


def test_a_table_in_gb18030_is_read(folder: Path) -> None:
    before = load(folder)
    for name in ("communities.csv", "devices.csv"):
        path = folder / name
        path.write_bytes(path.read_text(encoding="utf-8-sig").encode("gb18030"))
    after = load(folder)
    assert after.communities == before.communities
    assert after.devices == before.devices


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,name".encode("utf-16"), "communities.csv: is UTF-16 or not text; save it as"),
        (
            b"PK\x03\x04rest of a workbook",
            "communities.csv: is an Excel workbook; open it and save",
        ),
        (b"id,names\noak,Oak\n", "communities.csv:1: no column name, kind, grid"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_mistake(
    folder: Path, content: bytes, said: str
) -> None:
    (folder / "communities.csv").write_bytes(content)
    (found,) = mistakes(folder).splitlines()
    assert said in found


@pytest.mark.parametrize("written", ["2024/01/01", "2024/1/1", "2024年1月1日", "２０２４-01-01"])
def test_a_date_as_a_spreadsheet_writes_it_is_taken(folder: Path, written: str) -> None:
    before = load(folder)
    edit(folder, "devices.csv", "2024-01-01", written)
    assert load(folder).devices == before.devices


@pytest.mark.parametrize(
    ("written", "said"), [("1/1/24", "does not begin with the year"), ("45292", "number of a day")]
)
def test_a_date_that_can_be_misread_is_refused_once_a_column(
    folder: Path, written: str, said: str
) -> None:
    path = folder / "devices.csv"
    path.write_text(path.read_text(encoding="utf-8-sig").replace("2024-01-01", written), "utf-8")
    (found,) = mistakes(folder).splitlines()
    assert found.startswith("devices.csv:2: from ")
    assert said in found


def test_ragged_rows_are_taken(folder: Path) -> None:
    before = load(folder)
    path = folder / "devices.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    short = [line.removesuffix(",") for line in lines]
    assert short != lines
    path.write_text("\n".join(short), encoding="utf-8")
    assert load(folder).devices == before.devices
    path.write_text("\n".join(f"{line},, ," for line in lines), encoding="utf-8")
    assert load(folder).devices == before.devices


def test_a_column_that_stands_twice_is_refused(folder: Path) -> None:
    edit(folder, "communities.csv", "households", "name")
    edit(folder, "communities.csv", "placeholder", "households")
    assert "no column placeholder" in mistakes(folder)
    edit(folder, "communities.csv", "x_m", "placeholder")
    edit(folder, "communities.csv", "y_m", "x_m,y_m")
    (found,) = mistakes(folder).splitlines()
    assert found.startswith("communities.csv:1: column 'name' stands 2 times (columns 2, 5)")


def test_a_rounded_number_is_refused_and_full_width_digits_are_digits(folder: Path) -> None:
    edit(folder, "plain_bins.csv", "plain-0001", "1.20104E+17")
    edit(folder, "communities.csv", ",443,", ",４４３,")
    (found,) = mistakes(folder).splitlines()
    assert found.startswith(
        "plain_bins.csv:2: id '1.20104E+17' is a long number that a spreadsheet"
    )


def test_places_of_one_name_are_a_warning(folder: Path) -> None:
    assert warnings(load(folder)) == []
    edit(folder, "communities.csv", "贻成尚北", "贻成豪庭")
    (found,) = warnings(load(folder))
    assert "2 places are called '贻成豪庭' (yicheng-haoting, yicheng-shangbei)" in found


def test_a_line_is_a_line_of_the_file_behind_a_cell_of_two(folder: Path) -> None:
    edit(folder, "communities.csv", "贻成豪庭", '"贻成\n豪庭"')
    edit(folder, "communities.csv", "贻成尚北", "")
    assert "communities.csv:4: name is empty; fill it in" in mistakes(folder)
    edit(folder, "communities.csv", "诺德名苑", '诺德"名苑"x"')
    edit(folder, "communities.csv", ",晓镇家园", ',"晓镇"家园')
    assert re.search(r"communities\.csv:\d+: is not CSV .*; check its quotes", mistakes(folder))


def test_many_dated_rows_are_checked_in_no_time() -> None:
    m = Mistakes()
    row = TableRow("memberships.csv:2", {}, m)
    days = [
        Days(date(2000, 1, 1) + timedelta(days=n), date(2000, 1, 1) + timedelta(days=n))
        for n in range(20_000)
    ]
    began_s = time.process_time()
    disjoint([(row, "bin-001", each) for each in days], "membership of", m)
    assert time.process_time() - began_s < 2, "pairs of 20,000 rows would take minutes"
    assert not m.found


days = st.builds(
    lambda first, more: Days(first, first + timedelta(days=more)),
    st.dates(date(2026, 1, 1), date(2026, 1, 20)),
    st.integers(0, 6),
)


@given(st.lists(st.tuples(st.sampled_from("ab"), days), max_size=12))
def test_overlaps_are_found_as_by_comparing_every_pair(dated: list[tuple[str, Days]]) -> None:
    m = Mistakes()
    disjoint([(TableRow(f"t:{n}", {}, m), key, d) for n, (key, d) in enumerate(dated)], "door", m)
    pairs = itertools.combinations(dated, 2)
    assert bool(m.found) == any(k == o and d.overlap(e) for (k, d), (o, e) in pairs)


def test_overlapping_membership_missing_doors_and_encoding(folder: Path) -> None:
    with (folder / "memberships.csv").open("a", encoding="utf-8") as table:
        table.write("bin-001,yicheng-shangbei,2026-01-01,\n")
    with (folder / "devices.csv").open("a", encoding="utf-8") as table:
        table.write("bin-040,bin,40号箱,0,0,2024-01-01,\n")
    (folder / "services.csv").write_bytes("社区,收运点位".encode("gb18030"))
    (folder / "plain_bins.csv").unlink()
    said = mistakes(folder)
    assert "memberships.csv:41: membership of bin-001 overlaps memberships.csv:2" in said
    assert "device bin-040 has no door; add its doors to doors.csv" in said
    assert "services.csv:1: no column community" in said
    assert "plain_bins.csv: cannot be read" in said


def test_the_command_prints_counts_or_mistakes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(folder)]) == 0
    assert "39" in capsys.readouterr().out
    edit(folder, "site.csv", "xinbei", "Xin Bei")
    assert main(["check", str(folder)]) == 1
    assert "site.csv:2: id 'Xin Bei' is not an id" in capsys.readouterr().out


def test_every_capability_checks_its_files_and_every_mistake_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "statistics.toml").write_text("[sufficient]\nnothing = 1\n", encoding="utf-8")
    (folder / "tariff.toml").write_text("[[tariff]]\n", encoding="utf-8")
    edit(folder, "site.csv", "xinbei", "Xin Bei")
    assert main(["check", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "site.csv:2: id 'Xin Bei' is not an id" in said
    assert "statistics.toml: unknown limit 'nothing'" in said
    assert "tariff.toml:1: [tariff 1]" in said
    assert main(["check", str(folder / "statistics.toml")]) == 1
    edit(folder, "site.csv", "Xin Bei", "xinbei")
    assert main(["check", str(folder / "doors.csv")]) == 1
    assert "name the folder" in capsys.readouterr().out


def test_a_dated_change_of_membership_is_seen_on_its_day(folder: Path) -> None:
    edit(folder, "memberships.csv", "bin-001,yicheng-haoting,2024-01-01,", "")
    with (folder / "memberships.csv").open("a", encoding="utf-8") as table:
        table.write("bin-001,yicheng-haoting,2024-01-01,2026-06-30\n")
        table.write("bin-001,yicheng-shangbei,2026-07-01,\n")
    registry = load(folder)
    assert registry.community_of("bin-001", date(2026, 6, 30)) == "yicheng-haoting"
    assert registry.community_of("bin-001", date(2026, 7, 1)) == "yicheng-shangbei"
    year = Days(date(2026, 1, 1), date(2026, 12, 31))
    spans = registry.doors_of_community("yicheng-haoting", year)
    assert {span.days for span in spans} == {Days(date(2026, 1, 1), date(2026, 6, 30))}


def test_an_unknown_place_names_what_looks_alike() -> None:
    with pytest.raises(UnknownPlace, match="yicheng-haoting"):
        load(XINBEI).community("yicheng-haotin")


@settings(max_examples=60, deadline=None)
@given(table=st.sampled_from(TABLES), junk=st.binary(max_size=300), keep=st.booleans())
def test_junk_in_any_table_is_bad_input_and_never_a_crash(
    table: str, junk: bytes, keep: bool
) -> None:
    with TemporaryDirectory() as there:
        folder = Path(shutil.copytree(XINBEI, Path(there) / "site"))
        path = folder / table
        path.write_bytes((path.read_bytes() if keep else b"") + junk)
        with suppress(BadInput):
            load(folder)


def test_a_door_is_full_before_it_is_overfull(folder: Path) -> None:
    path = folder / "doors.csv"
    head, first, *rest = path.read_text(encoding="utf-8-sig").splitlines()
    cells = dict(zip(head.split(","), first.split(","), strict=True))
    cells |= {"full_pct": "90", "overfull_pct": "89"}
    path.write_text("\n".join([head, ",".join(cells.values()), *rest]), encoding="utf-8")
    assert "doors.csv:2: overfull_pct is below full_pct" in mistakes(folder)


def test_a_table_of_any_size_is_not_read_into_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_TABLE_BYTES", 10)
    assert "doors.csv: is over 16 MiB" in mistakes(folder)
