"""Ratios that say how sure they are.

Shares counted in times (accuracy, participation) carry the score interval of Wilson (E. B.
Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927,
209-212): it stays inside 0 to 1, it has its coverage at small n and at rates near 1, where the
textbook interval collapses to nothing, and a calculator is enough for it.

Shares and amounts of weight come from bags of differing weight. ``n`` bags tell as much as
``n / (1 + cv^2)`` equal ones (L. Kish, "Survey Sampling", Wiley 1965, effective sample size; cv is
the bags' coefficient of variation), and that effective number goes into the same interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A ratio with its 95 % interval.

    ``n`` is how many things were looked at, the sample size (for accuracy: the judged deposits);
    ``denominator`` names what was divided by. Of a share ``value``, ``low`` and ``high`` lie in 0
    to 1.
    """

    value: float
    low: float
    high: float
    n: int
    denominator: str


@dataclass(frozen=True, slots=True)
class WeightShare:
    """One weight as a share of another. Everything was weighed and nothing sampled, so it has
    both weights, in grams, and no interval; ``denominator`` names what the whole is.
    """

    value: float
    part_g: int
    whole_g: int
    denominator: str


@dataclass(frozen=True, slots=True)
class Change:
    """A rate minus an earlier one, with its 95 % interval; ``clear`` when the interval leaves
    out 0, that is when the data support "changed".
    """

    value: float
    low: float
    high: float
    clear: bool


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of a share found among ``n`` > 0 (Wilson 1927).

    (p + z^2/2n  +-  z * sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
    """
    z2 = Z_95 * Z_95
    middle = share + z2 / (2 * n)
    spread = Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    scale = 1 + z2 / n
    # At 0 and at 1 the bound is exactly 0 and 1; rounding must not push it past them.
    low = 0.0 if share == 0 else max(0.0, (middle - spread) / scale)
    high = 1.0 if share == 1 else min(1.0, (middle + spread) / scale)
    return low, high


def rate(count: int, n: int, denominator: str) -> Rate | None:
    """``count`` of ``n`` as a rate with Wilson's interval; None of nothing."""
    if n <= 0:
        return None
    low, high = wilson(count / n, n)
    return Rate(count / n, low, high, n, denominator)


def weight_share(part_g: int, whole_g: int, denominator: str) -> WeightShare | None:
    """``part_g`` of ``whole_g``; None when nothing was weighed."""
    return WeightShare(part_g / whole_g, part_g, whole_g, denominator) if whole_g > 0 else None


def change(now: Rate, before: Rate) -> Change:
    """``now`` minus ``before`` with the hybrid score interval (R. G. Newcombe, "Interval
    estimation for the difference between independent proportions", Statistics in Medicine 17,
    1998, 873-890, method 10).
    """
    value = now.value - before.value
    low = value - math.hypot(now.value - now.low, before.high - before.value)
    high = value + math.hypot(now.high - now.value, before.value - before.low)
    return Change(value, low, high, low > 0 or high < 0)


def effective(n: int, cv: float) -> float:
    """How many equal bags tell as much as ``n`` bags whose weights vary by ``cv`` (Kish 1965)."""
    return n / (1 + cv * cv)


def share_interval(share: float, bags: int, cv: float) -> tuple[float, float]:
    """The 95 % interval of a share of weight found in ``bags`` > 0 deposits."""
    return wilson(share, effective(bags, cv))


def amount_interval(amount: float, bags: int, cv: float) -> tuple[float, float]:
    """The 95 % interval of an amount that came in ``bags`` > 0 deposits: a compound Poisson sum
    has relative variance ``(1 + cv^2) / n``; on the logarithm, so that it stays above 0.
    """
    factor = math.exp(Z_95 / math.sqrt(effective(bags, cv)))
    return amount / factor, amount * factor
