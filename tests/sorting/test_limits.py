"""Limits are data, and a mistake in them is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartbin.core.errors import BadInput
from smartbin.sorting.rules import limits
from smartbin.sorting.rules.limits import DEFAULT, Limits
from tests.real import ROOT


def test_limits_are_data_and_a_mistake_is_a_sentence(tmp_path: Path) -> None:
    assert limits.load(tmp_path) == DEFAULT
    assert limits.load(ROOT / "deploy/xinbei") == DEFAULT
    file = tmp_path / limits.FILE
    file.write_text("[sufficient]\njudged_min = 20\ncompleteness_min = 1\n", encoding="utf-8")
    assert limits.load(tmp_path) == Limits(judged_min=20, completeness_min=1)
    for text, words in (
        ("judged_mim = 3", "one table"),
        ("[sufficient]\njudged_mim = 3", "unknown limit 'judged_mim'"),
        ("[sufficient]\njudged_min = 0", "judged_min is 0"),
        ("[sufficient]\njudged_min = true", "judged_min is True"),
        ("[sufficient]\njudged_min = 2.5", "judged_min is 2.5"),
        ("[sufficient]\ncompleteness_min = 1.01", "it is a share"),
        ("[sufficient]\nweight_cv = -0.1", "from 0 to 10"),
        ("[sufficient]\nweight_cv = nan", "from 0 to 10"),
        ('[sufficient]\nweight_cv = "1"', "from 0 to 10"),
        ("[sufficient", "cannot be read"),
        ("sufficient = 3", "one table"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match=words) as mistake:
            limits.load(tmp_path)
        assert limits.FILE in str(mistake.value)
        assert "\n" not in str(mistake.value)


def test_the_smallest_limits_that_may_be_set(tmp_path: Path) -> None:
    file = tmp_path / limits.FILE
    file.write_text("[sufficient]\njudged_min = 1\nweight_cv = 10\n", encoding="utf-8")
    assert limits.load(tmp_path) == Limits(judged_min=1, weight_cv=10)
    file.write_text("[sufficient]\nweight_cv = 0\n", encoding="utf-8")
    assert limits.load(tmp_path).weight_cv == 0
