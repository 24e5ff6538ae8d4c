"""Rates, their intervals and changes, whatever the counts."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from smartbin.sorting.rules import rates
from tests.sorting.counting import of_n, rate_of


@given(of_n)
def test_wilsons_interval_holds_the_value_and_mirrors(count_of: tuple[int, int]) -> None:
    count, n = count_of
    found, other = rate_of(count, n), rate_of(n - count, n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert math.isclose(found.low, 1 - other.high, abs_tol=1e-12)
    # It solves |p - low| = z sqrt(low (1 - low) / n), which is what Wilson asks of a bound.
    for bound in (found.low, found.high):
        spread = rates.Z_95 * math.sqrt(bound * (1 - bound) / n)
        assert math.isclose(abs(found.value - bound), spread, abs_tol=1e-9)


@given(of_n, st.integers(2, 50))
def test_more_evidence_narrows_and_more_correct_raises(
    count_of: tuple[int, int], times: int
) -> None:
    count, n = count_of
    found, more = rate_of(count, n), rate_of(count * times, n * times)
    assert more.high - more.low < found.high - found.low
    if count < n:
        better = rate_of(count + 1, n)
        assert better.low > found.low
        assert better.high > found.high or found.high == 1


@given(of_n, of_n)
def test_a_change_holds_its_value_and_turns_round(
    now: tuple[int, int], then: tuple[int, int]
) -> None:
    a, b = rate_of(*now), rate_of(*then)
    there, back = rates.change(a, b), rates.change(b, a)
    assert -1 <= there.low <= there.value <= there.high <= 1
    assert math.isclose(there.low, -back.high, abs_tol=1e-12)
    assert there.clear == back.clear == (there.low > 0 or there.high < 0)
    assert rates.change(a, a).clear is False


def test_newcombes_own_example() -> None:
    # R. G. Newcombe 1998, table II: 56/70 - 48/80, method 10: 0.0524 to 0.3339.
    found = rates.change(rate_of(56, 70), rate_of(48, 80))
    assert (round(found.low, 4), round(found.high, 4), found.clear) == (0.0524, 0.3339, True)


def test_weights_count_as_fewer_bags_the_more_they_differ() -> None:
    assert rates.effective(100, 0) == 100
    assert rates.effective(100, 1) == 50
    assert rates.effective(100, 2) == 20
    assert rates.share_interval(0.5, 100, 1) == rates.wilson(0.5, 50)
    low, high = rates.amount_interval(10, 200, 1)
    assert math.isclose(low * high, 100)
    assert math.isclose(high, 10 * math.exp(rates.Z_95 / 10))
    assert rates.rate(0, 0, "") is None
    assert rates.weight_share(0, 0, "") is None
    assert rates.weight_share(1, 4, "x") == rates.WeightShare(0.25, 1, 4, "x")
