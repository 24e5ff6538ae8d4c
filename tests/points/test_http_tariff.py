"""How points are earned, as everybody may read it."""

from __future__ import annotations

from smartbin.people.tokens import Role
from smartbin.points.rules.describe import describe
from tests.api.client import TODAY, Api
from tests.points.books import TARIFFS


def test_the_rules_in_force_are_said_in_both_languages(api: Api) -> None:
    answer = api.get("tariff", Role.PUBLIC)
    assert [(r["zh"], r["en"]) for r in answer["rules"]] == [
        (text.zh, text.en) for text in describe(TARIFFS, TODAY)
    ]


def test_a_board_asks_for_what_concerns_households(api: Api) -> None:
    rules = api.get("tariff?kind=household", Role.PUBLIC)["rules"]
    assert rules
    assert not [rule for rule in rules if "单位" in rule["zh"] or rule["zh"].startswith("自")]
