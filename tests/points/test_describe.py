"""The tariff as the office signs it and a resident can ask for it: every sentence, whole."""

from __future__ import annotations

from datetime import date

from smartbin.accounts.rules import AccountKind
from smartbin.points.rules.describe import describe
from tests.points.rewarding import RATE, RULES, tables, tariffs_of


def test_the_tariff_in_sentences() -> None:
    rate = {**RATE, "deposit_points": 0, "kg_points": 1, "day_max": 1}
    file = tables(rules={**RULES, "pause_s": 90, "kitchen": rate})
    del file["tariff"][0]["expiry_months"]
    file["tariff"].append({"from": date(2026, 6, 1), "expiry_months": 0, "enterprise": RULES})
    campaign = {
        "name_zh": "活动",
        "name_en": "Both",
        "from": date(2026, 5, 1),
        "to": date(2026, 5, 31),
        "times_pct": 150,
        "extra_points": 1,
    }
    named = {
        **campaign,
        "name_en": "Some",
        "times_pct": 100,
        "from": date(2026, 5, 31),
        "to": date(2026, 7, 1),
        "kinds": ["household", "enterprise"],
        "categories": ["kitchen"],
        "communities": ["oak"],
    }
    tariffs = tariffs_of({**file, "campaign": [campaign, named]})
    english = [text.en for text in describe(tariffs, date(2026, 5, 30))]
    assert english == [
        "From 2026-01-01:",
        "Households, kitchen waste: 1 point a kg, from 0.2 kg, at most 10 kg of one counted, at "
        "most 1 a day.",
        "Households, recyclables: 5 points a deposit, 10 points a kg, from 0.2 kg, at most 10 kg "
        "of one counted.",
        "Households, hazardous waste: no points.",
        "Households, residual waste: no points.",
        "Households: at least 90 seconds between two rewarded deposits of one category; at most "
        "300 points a week (Monday to Sunday).",
        "Enterprises: no points.",
        "Points do not expire.",
        "Campaign “Both”, 2026-05-01 to 2026-05-31 (every deposit): points times 1.5 and 1 point "
        "more a deposit.",
    ]
    chinese = [text.zh for text in describe(tariffs, date(2026, 5, 30))]
    assert chinese == [
        "自2026年1月1日起：",
        "家庭，厨余垃圾：每公斤 1 分，每次 0.2 公斤起计，最多按 10 公斤计，每天最多计 1 次。",
        "家庭，可回收物：每次 5 分，每公斤 10 分，每次 0.2 公斤起计，最多按 10 公斤计。",
        "家庭，有害垃圾：不计分。",
        "家庭，其他垃圾：不计分。",
        "家庭：同一类别两次计分至少间隔 90 秒；每周（周一至周日）最多 300 分。",
        "单位：不计分。",
        "积分不过期。",
        "活动“活动”，2026年5月1日至2026年5月31日（全部投放）：积分 1.5 倍，每次另加 1 分。",
    ]
    both = [text.en for text in describe(tariffs, date(2026, 5, 31))]
    assert both[-1].startswith("Campaign “Some”")
    after = describe(tariffs, date(2026, 6, 1))
    assert after[-2:] == [
        ("当年的积分年底过期。", "Points expire at the end of their year."),
        (
            "活动“活动”，2026年5月31日至2026年7月1日（家庭；单位；厨余垃圾；oak）：每次另加 1 分。",
            "Campaign “Some”, 2026-05-31 to 2026-07-01 (households; enterprises; kitchen waste; "
            "oak): 1 point more a deposit.",
        ),
    ]
    everything = describe(tariffs)
    assert [t.en for t in everything].count("From 2026-06-01:") == 1
    months = tariffs_of(tables())
    assert describe(months)[-1] == (
        "当年的积分在年底后 12 个月内有效。",
        "Points can be spent for 12 months after the end of their year.",
    )
    assert describe(months, date(2020, 1, 1)) == []


def test_lists_in_a_campaign_are_read_out() -> None:
    campaign = {
        "name_zh": "周",
        "name_en": "Week",
        "from": date(2026, 5, 1),
        "to": date(2026, 5, 7),
        "extra_points": 2,
        "categories": ["kitchen", "hazardous"],
        "communities": ["oak", "elm"],
    }
    items = {**campaign, "items": ["paper", "express_packaging"], "communities": []}
    tariffs = tariffs_of({**tables(), "campaign": [campaign, items]})
    assert describe(tariffs)[-2:] == [
        (
            "活动“周”，2026年5月1日至2026年5月7日（厨余垃圾、有害垃圾；oak、elm）：每次另加 2 分。",
            "Campaign “Week”, 2026-05-01 to 2026-05-07 (kitchen waste, hazardous waste; oak, elm): "
            "2 points more a deposit.",
        ),
        (
            "活动“周”，2026年5月1日至2026年5月7日（纸类、快递包装）：每次另加 2 分。",
            "Campaign “Week”, 2026-05-01 to 2026-05-07 (paper, express packaging): 2 points more a "
            "deposit.",
        ),
    ]


def test_an_account_reads_what_concerns_its_kind_only() -> None:
    file = tables()
    file["tariff"][0]["enterprise"] = {**RULES, "kitchen": {**RATE, "deposit_points": 7}}
    campaign = {
        "name_zh": "活动",
        "from": date(2026, 5, 1),
        "to": date(2026, 5, 7),
        "extra_points": 2,
    }
    campaigns = [
        {**campaign, "name_en": name, "kinds": kinds}
        for name, kinds in (("All", []), ("Homes", ["household"]), ("Firms", ["enterprise"]))
    ]
    tariffs = tariffs_of({**file, "campaign": campaigns})

    def read(kind: AccountKind) -> list[str]:
        return [text.en for text in describe(tariffs, date(2026, 5, 1), kind)]

    homes, firms = read(AccountKind.HOUSEHOLD), read(AccountKind.ENTERPRISE)
    assert homes[0].startswith("Households, kitchen waste: 5 points a deposit")
    assert firms[0].startswith("Enterprises, kitchen waste: 7 points a deposit")
    assert not any("Enterprises" in line for line in homes)
    assert not any("Households" in line for line in firms)
    assert [line[:14] for line in homes[-2:]] == ["Campaign “All”", "Campaign “Home"]
    assert [line[:14] for line in firms[-2:]] == ["Campaign “All”", "Campaign “Firm"]
    assert homes[-3].startswith("Points can be spent")
    assert firms[-3].startswith("Points can be spent")
    assert len(homes) == len(firms) == 8
