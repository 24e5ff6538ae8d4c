"""What the tips, the rules and the guides say of a thing is what the dictionary says of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.learning.things import Thing, read

THINGS = read()
BY_NAME = {thing.zh: thing for thing in THINGS}
SRC = Path("web/src")
# Where a clause sends what it names. Outside is asked first: it may name a category, too.
TARGETS = {
    "zh": {
        "outside": "不投任何|不投入|不投箱体|预约|以旧换新|回收点|堆放点",
        "kitchen": "厨余垃圾",
        "recyclable": "可回收物",
        "hazardous": "有害垃圾",
        "residual": "其他垃圾",
    },
    "en": {
        "outside": "into no bin|none of the four bins|bulky collection|trade in",
        "kitchen": "kitchen waste",
        "recyclable": "recyclable",
        "hazardous": "hazardous",
        "residual": "residual",
    },
}
# Every tip and rule, and what each names in its own words: a thing by its Chinese name.
NAMED: dict[str, dict[str, dict[str, str]]] = {
    "tips.1": {"zh": {}, "en": {}},
    "tips.2": {
        "zh": {"快递盒": "快递纸箱", "包装袋": "快递塑料袋"},
        "en": {"parcel boxes": "快递纸箱", "wrapping": "快递塑料袋"},
    },
    "tips.3": {
        "zh": {"餐具洗净": "洗净的外卖餐盒", "沾满油污": "未清洗的外卖盒"},
        "en": {"Rinsed tableware": "洗净的外卖餐盒", "greasy tableware": "未清洗的外卖盒"},
    },
    "tips.4": {
        "zh": {
            "普通干电池": "普通干电池",
            "过期药品": "过期药品",
            "灯管": "荧光灯管",
            "充电宝": "充电宝",
            "锂电池": "锂电池",
            "电动车电池": "电动车电池",
        },
        "en": {
            "dry cells": "普通干电池",
            "old medicine": "过期药品",
            "tubes": "荧光灯管",
            "Power banks": "充电宝",
            "lithium": "锂电池",
            "e-bike batteries": "电动车电池",
        },
    },
    "tips.5": {"zh": {}, "en": {}},
    "guide.rule.kitchen": {"zh": {}, "en": {}},
    "guide.rule.recyclable": {
        "zh": {
            "纸": "报纸",
            "塑料": "饮料瓶",
            "金属": "易拉罐",
            "玻璃": "玻璃瓶",
            "织物": "旧衣服",
        },
        "en": {
            "Paper": "报纸",
            "plastic": "饮料瓶",
            "metal": "易拉罐",
            "glass": "玻璃瓶",
            "textiles": "旧衣服",
        },
    },
    "guide.rule.hazardous": {
        "zh": {
            "干电池": "普通干电池",
            "灯管": "荧光灯管",
            "药品": "过期药品",
            "油漆": "油漆",
            "锂电池": "锂电池",
            "充电宝": "充电宝",
        },
        "en": {
            "Dry cells": "普通干电池",
            "tubes": "荧光灯管",
            "medicine": "过期药品",
            "paint": "油漆",
            "Lithium batteries": "锂电池",
            "power banks": "充电宝",
        },
    },
    "guide.rule.residual": {"zh": {"尘土": "灰尘"}, "en": {"dust": "灰尘"}},
    "guide.how.express_packaging": {
        "zh": {"纸箱": "快递纸箱", "袋子": "快递塑料袋", "泡沫": "快递填充泡沫"},
        "en": {"boxes": "快递纸箱", "bags": "快递塑料袋", "foam": "快递填充泡沫"},
    },
    "guide.how.goods_packaging": {"zh": {}, "en": {}},
    "guide.how.disposable_tableware": {
        "zh": {"冲洗": "洗净的外卖餐盒", "沾满油污": "未清洗的外卖盒"},
        "en": {"rinsed": "洗净的外卖餐盒", "greasy": "未清洗的外卖盒"},
    },
}
FOCUS = "guide.how."


def texts(language: str) -> dict[str, str]:
    """The texts of the screens by their keys."""

    def flat(node: dict[str, Any], prefix: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in node.items():
            whole = f"{prefix}{key}"
            found |= flat(value, f"{whole}.") if isinstance(value, dict) else {whole: value}
        return found

    found: dict[str, str] = {}
    for path in sorted(SRC.glob(f"*/{language}.json")):
        found |= flat(json.loads(path.read_text(encoding="utf-8")), "")
    return found


def targets_of(part: str, language: str) -> list[str]:
    known = TARGETS[language]
    return [one for one, words in known.items() if re.search(words, part, re.IGNORECASE)]


def clauses(text: str, language: str, default: str = "") -> list[tuple[str, str]]:
    """A text's clauses, each with where it sends what it names; left out where it sends nobody."""
    found = []
    for sentence in re.split(r"[；。]|; |\. |\n", text):
        targets = targets_of(sentence, language)
        if len(targets) > 1:
            for part in re.split(r"，|, ", sentence):
                found += [(part, one) for one in targets_of(part, language)[:1]]
        elif targets or default:
            found.append((sentence, (targets or [default])[0]))
    return found


def default_of(key: str) -> str:
    """Where a text sends what it names unless it says otherwise: a rule is its category's."""
    if key.startswith("guide.rule."):
        return key.rpartition(".")[2]
    return "recyclable" if key.startswith(FOCUS) else ""


def names(language: str) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {}
    for thing in THINGS:
        called = [n for n in thing.names if len(n) > 1] if language == "zh" else [thing.en.lower()]
        for name in called:
            found.setdefault(name, []).append(thing)
    return found


def named_in(clause: str, language: str) -> list[tuple[str, list[Thing]]]:
    """The dictionary's names in a clause; a longer one hides those inside it."""
    rest, found = clause.lower() if language == "en" else clause, []
    known = names(language)
    for name in sorted(known, key=len, reverse=True):
        pattern = re.escape(name) if language == "zh" else rf"\b{re.escape(name)}\b"
        rest, times = re.subn(pattern, "\0", rest)
        if times:
            found.append((name, known[name]))
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_tip_and_rule_is_in_the_table(language: str) -> None:
    advice = re.compile(r"^(tips|guide\.rule|guide\.how)\.")
    assert {key for key in texts(language) if advice.match(key)} == set(NAMED)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("key", sorted(NAMED))
def test_a_tip_sends_what_it_names_where_the_dictionary_does(key: str, language: str) -> None:
    text = texts(language)[key]
    told = clauses(text, language, default_of(key))
    for phrase, name in NAMED[key][language].items():
        thing = BY_NAME[name]
        found = [target for clause, target in told if phrase in clause]
        assert found, f"{key}: {phrase!r} is not in {text!r}"
        assert set(found) == {thing.category}, f"{key}: {phrase!r}, but {thing} is {thing.category}"


def sayings() -> list[tuple[str, str, str]]:
    """Every text that advises: of the screens in both languages, and of the guides."""
    found = [
        (key, text, language) for language in ("zh", "en") for key, text in texts(language).items()
    ]
    for path in sorted([*Path("docs/zh").glob("*.md"), Path("README.zh-CN.md")]):
        found += [(path.name, line, "zh") for line in path.read_text(encoding="utf-8").splitlines()]
    return found


def test_no_text_sends_a_thing_elsewhere_than_the_dictionary() -> None:
    compared, wrong = set(), []
    for key, text, language in sayings():
        for clause, target in clauses(text, language, default_of(key)):
            for name, things in named_in(clause, language):
                compared.add((key, name))
                if target not in {thing.category for thing in things}:
                    wrong.append(f"{key}: {name} is {things[0].category}, not {target}: {clause}")
    assert wrong == []
    # The scan reads what it should: tips, rules and the resident's guide.
    assert {key for key, _ in compared} >= {"tips.4", "guide.rule.hazardous", "resident.md"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_unknown_thing_is_asked_about_and_never_residual(language: str) -> None:
    said = texts(language)["guide.noMatch"]
    assert targets_of(said, language) == []
    ask = {
        "zh": ["先不要投放", "督导员", "社区"],
        "en": ["do not put it in", "supervisor", "community"],
    }
    assert all(word in said for word in ask[language]), said


def test_no_code_of_the_search_names_a_category_of_its_own() -> None:
    files = [path for path in (SRC / "learning").iterdir() if path.suffix in {".ts", ".vue"}]
    assert files
    for path in files:
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"""["'](residual|hazardous|recyclable|kitchen)["']""", code), path
