"""A tariff file: the shipped one holds, every mistake is a sentence with its line and remedy."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from smartbin.__main__ import main
from smartbin.accounts.rules import AccountKind
from smartbin.core.errors import BadInput
from smartbin.facts.events import Category
from smartbin.points.rules.load import load_tariffs
from smartbin.points.rules.tariff import Tariffs
from tests.points.rewarding import tables, tariffs_of

SHIPPED = Path(__file__).parents[2] / "deploy" / "xinbei" / "tariff.toml"
GOOD = SHIPPED.read_text(encoding="utf-8")


def load(tmp_path: Path, text: str) -> Tariffs:
    path = tmp_path / "tariff.toml"
    path.write_text(text, encoding="utf-8")
    return load_tariffs(path)


def mistakes(tmp_path: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        load(tmp_path, text)
    return str(caught.value)


def test_the_shipped_tariff_is_what_the_plan_asks() -> None:
    tariffs = load_tariffs(SHIPPED)
    today = tariffs.on(date(2026, 11, 24))
    assert today is not None
    household = today.rules(AccountKind.HOUSEHOLD)
    assert household is not None
    kitchen = household.rate(Category.KITCHEN)
    assert kitchen is not None
    assert (kitchen.weight_min_g, kitchen.weight_max_g, kitchen.day_max) == (200, 10_000, 2)
    assert household.pause_s == 600
    assert household.rate(Category.RESIDUAL) is None
    assert today.rules(AccountKind.ENTERPRISE) not in (None, household)
    assert tariffs.expires_on(2026) == date(2027, 12, 31)
    assert tariffs.on(date(2023, 12, 31)) is None
    assert len(tariffs.campaigns) == 1


WRONG = [
    (
        "from = 2024-01-01",
        'from = "2024-01-01"',
        "[tariff 1] from is '2024-01-01'; write a date without",
    ),
    ("from = 2024-01-01", "", "[tariff 1] from is missing; add it"),
    ("pause_s = 600  ", "pause_s = 600.0", "[tariff 1 household] pause_s is 600.0; write a whole"),
    ("pause_s = 600  ", "pause_s = true", "[tariff 1 household] pause_s is True; write a whole"),
    ("pause_s = 600  ", "pause_s = -1", "[tariff 1 household] pause_s is -1; give at least 0"),
    ("pause_s = 600  ", "pause_s = 86401", "pause_s is 86401; give at most 86400"),
    ("pause_s = 600  ", "pauses = 600", "pauses is unknown; did you mean pause_s?"),
    (
        "kg_points = 10 ",
        "kg_point = 1\nx = 1",
        "kitchen] x is unknown; known are day_max, deposit_",
    ),
    ("weight_min_g = 20 ", "weight_min_g = 20000", "hazardous] weight_max_g is below weight_min_g"),
    ("deposit_points = 20 ", "deposit_points = 0", "hazardous] earns nothing; give deposit_points"),
    (
        "[tariff.household.kitchen]",
        "[tariff.household.soup]",
        "soup is unknown; known are card_day_max, hazardous",
    ),
    ("to = 2026-11-30", "to = 2026-10-31", "[campaign 1] to lies before from; swap them"),
    ("times_pct = 200", "times_pct = 100", "[campaign 1] adds nothing; give times_pct above 100"),
    (
        'kinds = ["household"]',
        'kinds = ["homes"]',
        "[campaign 1] kinds is 'homes'; use 'household', 'enterprise'",
    ),
    ("[[campaign]]", "[[campain]]", "campain is unknown; did you mean campaign?"),
    ("[tariff.enterprise] ", "[tarif.enterprise] ", "tarif is unknown; did you mean tariff?"),
    (
        'name_zh = "快递包装回收月"',
        "name_zh = 3",
        "[campaign 1] name_zh is 3 (input should be a valid",
    ),
    ("categories = [", "categories = 3 #", "[campaign 1] categories is 3; write it as a list"),
]


# Where the mistake is not a single line, the table's head is named.
AT = {
    "weight_min_g = 20 ": "[tariff.household.hazardous]",
    "deposit_points = 20 ": "[tariff.household.hazardous]",
    "to = 2026-11-30": "[[campaign]]",
    "times_pct = 200": "[[campaign]]",
    "from = 2024-01-01": "[[tariff]]\n",
}


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_each_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    (found,) = (line for line in mistakes(tmp_path, text).splitlines() if said in line)
    mark = AT[old] if old in AT and new != WRONG[0][1] else new.splitlines()[-1]
    start = text.index("\n" + mark) + 1 if mark.startswith("[") else text.index(mark)
    number = 1 + text[:start].count("\n")
    assert found.startswith(f"tariff.toml:{number}: ")


def test_lines_are_those_of_the_table_meant(tmp_path: Path) -> None:
    text = (
        "[[tariff]]\nfrom = 2024-01-01\n[tariff.household]\nweek_max_points = 1\n"
        "[[tariff]]\nfrom = 2025-01-01\n[tariff.household]\npause_s = 3\nweek_max_points = 0\n"
        "[tariff.household.kitchen]\nkg_points = 1\n[tariff.enterprise]\nweek_max_points = 0\n"
    )
    assert mistakes(tmp_path, text).splitlines() == [
        "tariff.toml:9: [tariff 2 household] week_max_points is 0; give at least 1",
        "tariff.toml:10: [tariff 2 household kitchen] deposit_points is missing; add it",
        "tariff.toml:13: [tariff 2 enterprise] week_max_points is 0; give at least 1",
    ]


def test_what_is_no_tariff_at_all(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot be read .*put the tariff there"):
        load_tariffs(tmp_path / "none.toml")
    path = tmp_path / "tariff.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"is not UTF-8 \(byte 0\)"):
        load_tariffs(path)
    path.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(BadInput, match="over 1 MiB"):
        load_tariffs(path)
    path.write_bytes(
        b"\xef\xbb\xbf" + GOOD.encode() + b"#" * (1024 * 1024 - 3 - len(GOOD.encode()))
    )
    assert load_tariffs(path).all
    assert mistakes(tmp_path, "x = 1\nx = 2").startswith("tariff.toml: is not TOML (Cannot overw")
    assert mistakes(tmp_path, "") == "tariff.toml: tariff is missing; add it"
    assert "tariff is 3; write it as a list" in mistakes(tmp_path, "tariff = 3")
    assert "[tariff 1] is 3; write it as a table" in mistakes(tmp_path, "tariff = [3]")
    twice = "[[tariff]]\nfrom = 2024-01-01\n[[tariff]]\nfrom = 2025-01-01\n" * 2
    said = "two tariffs begin on 2024-01-01, 2025-01-01; give each a 'from' of its own"
    assert mistakes(tmp_path, twice) == f"tariff.toml: {said}"


def test_a_file_has_a_hundred_tariffs_and_two_hundred_campaigns_at_most(tmp_path: Path) -> None:
    tariffs = [f"[[tariff]]\nfrom = {2000 + n}-01-01\n" for n in range(101)]
    named = CAMPAIGN.replace('communities = ["yicheng-haoting", "yicheng-shangbay"]\n', "")
    assert len(load(tmp_path, "".join(tariffs[:100])).all) == 100
    assert "at most 100 items" in mistakes(tmp_path, "".join(tariffs))
    assert len(load(tmp_path, tariffs[0] + named * 200).campaigns) == 200
    assert "at most 200 items" in mistakes(tmp_path, tariffs[0] + named * 201)


def test_a_long_value_is_cut_where_it_would_hide_the_sentence(tmp_path: Path) -> None:
    whole, longer = f"'{'x' * 38}'", f"'{'x' * 39}'"
    assert f" is {whole}; write" in mistakes(tmp_path, f"tariff = {whole}")
    assert f" is '{'x' * 36}...; write" in mistakes(tmp_path, f"tariff = {longer}")


def test_a_day_with_a_time_is_no_day(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "[[tariff]]\nfrom = 2024-01-01T00:00:00\n")
    assert found.startswith("tariff.toml:2: [tariff 1] from is datetime.datetime(2024, 1, 1, 0, 0)")
    assert found.endswith("; write a date without quotes or time, as 2027-01-01")


def test_an_indented_file_has_its_lines_and_tables(tmp_path: Path) -> None:
    one = "  [[tariff]]\n  from = {}\n  household = 3\n"
    assert mistakes(tmp_path, one.format("2024-01-01") + one.format("2025-01-01")).splitlines() == [
        f"tariff.toml:{line}: [tariff {n} household] is 3; write it as a table, as in the shipped "
        "tariff.toml"
        for line, n in ((3, 1), (6, 2))
    ]


@settings(max_examples=150)
@given(st.integers(0, len(GOOD)), st.text(max_size=6), st.integers(0, 8))
def test_whatever_is_typed_into_the_file_is_taken_or_explained(
    tmp_path_factory: pytest.TempPathFactory, at: int, typed: str, cut: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "typed.toml"
    path.write_text(GOOD[:at] + typed + GOOD[at + cut :], encoding="utf-8", errors="replace")
    said = ""
    try:
        load_tariffs(path)
    except BadInput as error:
        said = str(error)
    assert not said or said.startswith("typed.toml")


def test_check_prints_the_rules_or_the_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(SHIPPED)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == [
        "自2024年1月1日起：",
        "From 2024-01-01:",
        "家庭，厨余垃圾：每次 5 分，每公斤 10 分，每次 0.2 公斤起计，最多按 10 公斤计，"
        "每天最多计 2 次。",
        "Households, kitchen waste: 5 points a deposit, 10 points a kg, from 0.2 kg, at most 10 kg "
        "of one counted, at most 2 a day.",
    ]
    path = tmp_path / "wrong.toml"
    path.write_text(GOOD.replace("kg_points = 10 ", "kg_points = -1"), encoding="utf-8")
    assert main(["check", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == "wrong.toml:25: [tariff 1 household kitchen] kg_points is -1; give at least 0\n"
    assert "1 mistake(s)" in err


BOUNDS = [
    ("kitchen", "deposit_points", 0, 10_000),
    ("kitchen", "kg_points", 0, 10_000),
    ("kitchen", "weight_min_g", 1, 1_000_000),
    ("kitchen", "weight_max_g", 1, 1_000_000),
    ("kitchen", "day_max", 1, 1_000),
    ("", "pause_s", 0, 86_400),
    ("", "week_max_points", 1, 1_000_000),
    ("", "card_day_max", 1, 1000),
]


@pytest.mark.parametrize(("table", "field", "least", "most"), BOUNDS)
def test_every_number_has_its_bounds(table: str, field: str, least: int, most: int) -> None:
    def rules(value: int) -> dict[str, object]:
        wide = {"deposit_points": 1, "kg_points": 1, "weight_min_g": 1, "weight_max_g": 1_000_000}
        whole: dict[str, object] = {"week_max_points": 1, "kitchen": wide}
        if table:
            return {**whole, "kitchen": {**wide, field: value}}
        return {**whole, field: value}

    for good in (least, most):
        assert tariffs_of(tables(rules=rules(good))).all
    for wrong in (least - 1, most + 1):
        with pytest.raises(ValidationError, match=field):
            tariffs_of(tables(rules=rules(wrong)))


@pytest.mark.parametrize(
    ("field", "good", "wrong"),
    [
        ("times_pct", (101, 1000), (99, 1001)),
        ("extra_points", (0, 10_000), (-1, 10_001)),
        ("name_zh", ("一", "一" * 40), ("", "一" * 41)),
        ("name_en", ("a", "a" * 40), ("", "a" * 41)),
    ],
)
def test_a_campaign_has_its_bounds(field: str, good: Any, wrong: Any) -> None:
    campaign = {"name_zh": "活动", "name_en": "x", "from": date(2026, 1, 1), "to": date(2026, 1, 1)}
    for value in good:
        assert tariffs_of(tables(campaign=[{**campaign, "times_pct": 200, field: value}])).campaigns
    for value in wrong:
        with pytest.raises(ValidationError, match=field):
            tariffs_of(tables(campaign=[{**campaign, "times_pct": 200, field: value}]))


@pytest.mark.parametrize(("months", "good"), [(-1, False), (0, True), (120, True), (121, False)])
def test_expiry_lies_within_ten_years(months: int, good: bool) -> None:
    file = {"tariff": [{"from": date(2026, 1, 1), "expiry_months": months}]}
    if good:
        assert tariffs_of(file).expires_on(2026) is not None
    else:
        with pytest.raises(ValidationError, match="expiry_months"):
            tariffs_of(file)


@pytest.mark.parametrize(("days", "good"), [(-1, False), (0, True), (60, True), (61, False)])
def test_points_wait_at_most_two_months(days: int, good: bool) -> None:
    file = {"tariff": [{"from": date(2026, 1, 1), "spend_delay_days": days}]}
    if good:
        assert tariffs_of(file).spend_delay_days(date(2026, 1, 1)) == days
        assert tariffs_of(file).spend_delay_days(date(2025, 12, 31)) == 0
    else:
        with pytest.raises(ValidationError, match="spend_delay_days"):
            tariffs_of(file)


def test_a_loaded_tariff_cannot_be_changed() -> None:
    tariff = load_tariffs(SHIPPED).all[0]
    with pytest.raises(ValidationError):
        tariff.expiry_months = 1


KNOWN = {
    "x": "enterprise, expiry_months, from, household, spend_delay_days",  # of the tariff itself
    **{
        f"{kind}.x": "card_day_max, hazardous, kitchen, pause_s, recyclable, residual, "
        "week_max_points"
        for kind in ("household", "enterprise")
    },
    **{
        f"household.{category}.x": "day_max, deposit_points, kg_points, weight_max_g, weight_min_g"
        for category in Category
    },
}


@pytest.mark.parametrize(("path", "known"), KNOWN.items())
def test_what_a_table_may_hold_is_said(tmp_path: Path, path: str, known: str) -> None:
    place = path.removesuffix("x") + "zzz" if "." in path else "zzz"
    found = mistakes(tmp_path, f"[[tariff]]\nfrom = 2024-01-01\n{place} = 1\n")
    assert f" zzz is unknown; known are {known}" in found


def test_what_a_campaign_and_a_file_may_hold_is_said(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "zzz = 1\n[[tariff]]\nfrom = 2024-01-01\n[[campaign]]\nqqq = 1\n")
    assert (
        "tariff.toml:5: [campaign 1] qqq is unknown; known are categories, communities, " in found
    )
    assert "extra_points, from, items, kinds, name_en, name_zh, times_pct, to\n" in found
    assert "tariff.toml:1: zzz is unknown; known are campaign, tariff" in found


CAMPAIGN = """
[[campaign]]
name_zh = "周"
name_en = "Week"
from = 2026-11-01
to = 2026-11-30
times_pct = 200
communities = ["yicheng-haoting", "yicheng-shangbay"]
"""


def test_a_campaign_of_an_unknown_community_is_a_mistake(tmp_path: Path) -> None:
    """It would give nobody anything, and nobody would see why."""
    known = ("yicheng-haoting", "yicheng-shangbei")
    path = tmp_path / "tariff.toml"
    path.write_text(GOOD + CAMPAIGN, encoding="utf-8")
    line = (GOOD + CAMPAIGN).splitlines().index(CAMPAIGN.splitlines()[-1]) + 1
    with pytest.raises(BadInput) as caught:
        load_tariffs(path, known)
    assert str(caught.value) == (
        f"tariff.toml:{line}: [campaign 2] communities is 'yicheng-shangbay', which is not in the "
        "registry; did you mean yicheng-shangbei?"
    )
    with pytest.raises(BadInput, match=r"'yicheng-haoting'.*use an id of communities.csv\n.*bay'"):
        load_tariffs(path, ["x"])
    assert len(load_tariffs(path).campaigns) == 2, "without a registry nobody can say"
    path.write_text(GOOD + CAMPAIGN.replace("shangbay", "shangbei"), encoding="utf-8")
    assert load_tariffs(path, known).campaigns[1].communities == list(known)


def test_the_command_knows_the_registry_beside_the_tariff(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in SHIPPED.parent.iterdir():
        if file.suffix == ".csv":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "tariff.toml"
    path.write_text(GOOD + CAMPAIGN, encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert "did you mean yicheng-shangbei?" in capsys.readouterr().out
