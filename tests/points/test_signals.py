"""Integrity signals: each limit from both sides, whose they are, and what is not a signal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartbin.core import calendar
from smartbin.facts.events import Category, DoorKey, LevelReading
from smartbin.points.rules.signals import Carried, Signal, SignalKind, SignalLimits, signals
from tests.points.rewarding import ZONE, at_us, deposit

MON = "2026-09-07"
DOOR = DoorKey("bin-001", "kitchen")
PLACES = {"bin-001": (0, 0), "bin-002": (300, 400), "bin-003": (0, 299), "bin-004": (180, 240)}


def carried(
    when: str,
    card: str = "c1",
    account: str | None = "a1",
    volume_ml: int | None = None,
    **more: Any,
) -> Carried:
    return Carried(card, account, deposit(when, **more), volume_ml)


def look(*those: Carried, **more: Any) -> list[Signal]:
    arguments: dict[str, Any] = {"places": PLACES, "capacities_l": {}, "levels": {}, **more}
    return signals(those, zone=ZONE, **arguments)


def kinds(found: list[Signal]) -> list[str]:
    return [signal.kind.value for signal in found]


def seconds(n: float) -> str:
    start = calendar.from_us(at_us(f"{MON} 12:00:00"), ZONE)
    return (start + timedelta(seconds=n)).replace(tzinfo=None).isoformat(" ")


@pytest.mark.parametrize(
    ("device", "wait_s", "seen"),
    [
        ("bin-002", 166, True),  # 500 m: 166.7 s at 3 m/s
        ("bin-002", 167, False),
        ("bin-002", 0, True),
        ("bin-004", 99, True),  # exactly 300 m
        ("bin-004", 100, False),
        ("bin-003", 1, False),  # 299 m
        ("bin-009", 1, False),  # nobody knows where it is
        ("bin-001", 1, False),
    ],
)
def test_one_card_cannot_be_at_two_places(device: str, wait_s: int, seen: bool) -> None:
    first = carried(f"{MON} 12:00:00")
    second = carried(seconds(wait_s), device=device, category="residual")
    found = look(second, first)
    assert kinds(found) == ["two_places"] * seen
    if seen and device == "bin-002":
        (signal,) = found
        assert (signal.accounts, signal.at_us) == (("a1",), first.deposit.at_us)
        assert dict(signal.evidence) == {
            "card": "c1",
            "from": "bin-001",
            "to": "bin-002",
            "apart_m": 500,
            "wait_s": wait_s,
        }
        assert signal.text == (
            f"同一张卡 {wait_s} 秒内先后在 bin-001 和 bin-002 投放，两处相距 500 米。",
            f"One card was used at bin-001 and {wait_s} s later at bin-002, 500 m away.",
        )


def test_two_cards_of_one_account_may_be_at_two_places_and_an_unknown_first_bin_says_nothing() -> (
    None
):
    first = carried(f"{MON} 12:00:00")
    other = carried(f"{MON} 12:00:10", "c2", device="bin-002", category="residual")
    assert look(first, other) == []
    unknown = carried(f"{MON} 12:00:00", device="bin-009")
    assert look(unknown, carried(f"{MON} 12:00:10", device="bin-002", category="residual")) == []


def test_deposits_that_say_nothing_hide_none_after_them() -> None:
    said = [
        carried(f"{MON} 12:00:00", device="bin-009"),
        carried(f"{MON} 12:10:00"),
        carried(f"{MON} 12:11:00", category="residual"),
        carried(f"{MON} 12:11:10", device="bin-002"),
    ]
    assert [s.at_us for s in look(*said)] == [at_us(f"{MON} 12:11:00")]


@pytest.mark.parametrize(
    ("times", "seen"),
    [
        ([0, 899, 1798, 2641], True),
        ([0, 899, 1798, 2697], True),
        ([0, 899, 1798, 2698], False),
        ([0, 60, 120], False),
        ([0, 900, 960, 1020], False),
        ([0, 900, 960, 1020, 1080], True),
    ],
)
def test_one_bag_split_into_many(times: list[int], seen: bool) -> None:
    bags = [carried(seconds(t), f"card-{t % 2}", weight_g=250) for t in times]
    found = look(*bags)
    assert kinds(found) == ["splitting"] * seen
    if seen and times[1] == 899:
        (signal,) = found
        assert signal.accounts == ("a1",)
        assert signal.at_us == bags[0].deposit.at_us
        assert dict(signal.evidence) == {"category": "kitchen", "deposits": 4, "weight_g": 1000}
        assert signal.text == (
            "45 分钟内投放厨余垃圾 4 次，共 1 公斤，可能把一袋拆成多次。",
            "4 deposits of kitchen waste within 45 min, 1 kg in all: perhaps one bag split into "
            "many.",
        )
    if seen and times[1] == 900:
        assert found[0].at_us == bags[1].deposit.at_us


def test_four_bags_of_four_categories_or_of_four_accounts_are_no_splitting() -> None:
    sorted_ = ("kitchen", "recyclable", "hazardous", "residual")
    assert look(*(carried(seconds(n), category=c) for n, c in enumerate(sorted_))) == []
    assert look(*(carried(seconds(n), f"c{n}", f"a{n}") for n in range(6))) == []


def test_doors_without_a_category_are_no_splitting() -> None:
    bags = [carried(seconds(n)) for n in range(6)]
    assert look(*(c._replace(deposit=replace(c.deposit, category=None)) for c in bags)) == []


def night(*times: str) -> list[Signal]:
    """What is seen of deposits at these times, splitting left aside."""
    return look(*map(carried, times), limits=SignalLimits(bags=99))


def test_a_burst_at_night() -> None:
    at = [f"{MON} 23:00:00", *(f"{MON} 23:{m}:00" for m in (15, 30, 45)), f"{MON} 23:59:59"]
    (signal,) = night(*at)
    assert (signal.kind, signal.accounts) == (SignalKind.NIGHT_BURST, ("a1",))
    assert signal.at_us == at_us(at[0])
    assert dict(signal.evidence) == {"card": "c1", "deposits": 5}
    assert signal.text == (
        "夜间 23:00 起一小时内同一张卡投放 5 次。",
        "5 deposits with one card within the hour from 23:00 at night.",
    )
    assert night(*at[:4]) == []
    assert night(*at[:4], "2026-09-08 00:00:00") == []
    assert night(f"{MON} 22:59:59", *at[1:]) == []


def test_a_night_ends_at_five_and_goes_over_midnight() -> None:
    late = [f"{MON} 23:{m}:00" for m in (40, 50)]
    early = [f"2026-09-08 00:{m:02}:00" for m in (5, 20, 35)]
    assert kinds(night(*late, *early)) == ["night_burst"]
    morning = [f"2026-09-08 04:{m}:00" for m in (10, 20, 30, 40)]
    assert kinds(night(*morning, "2026-09-08 04:59:59")) == ["night_burst"]
    assert night(*morning, "2026-09-08 05:00:00") == []


def test_each_burst_is_said_once_and_by_card() -> None:
    eight = [f"{MON} 23:{m:02}:00" for m in range(0, 48, 6)]
    assert kinds(night(*eight)) == ["night_burst"]
    next_hour = [f"2026-09-08 00:{m:02}:00" for m in range(0, 48, 6)]
    found = night(*eight, *next_hour)
    assert [signal.at_us for signal in found] == [at_us(eight[0]), at_us(next_hour[0])]
    after_one_alone = night("2026-09-06 23:30:00", *eight)
    assert [signal.at_us for signal in after_one_alone] == [at_us(eight[0])]
    shared = [carried(t, f"c{n % 2}") for n, t in enumerate(eight)]
    assert look(*shared, limits=SignalLimits(bags=99)) == []


def weigh(
    weights_g: list[int],
    levels: list[tuple[int, int | None]],
    whose: str = "a",
    capacity_l: int = 100,
) -> list[Signal]:
    """Deposits a minute apart from 12:01 on, readings at minutes after 12:00; 1 kg is 1 % here."""
    put = [
        carried(seconds(60 * (n + 1)), f"c-{w}", f"acc-{w}", weight_g=g)
        for n, (g, w) in enumerate(zip(weights_g, whose * len(weights_g), strict=False))
    ]
    readings = [LevelReading(*DOOR, at_us(seconds(60 * minute)), level) for minute, level in levels]
    limits = SignalLimits(bags=99)
    return look(*put, capacities_l={DOOR: capacity_l}, levels={DOOR: readings}, limits=limits)


@pytest.mark.parametrize(
    ("weights_g", "rose", "seen"),
    [
        ([10_000], 0, True),
        ([9_999], 0, False),
        ([10_000], 1, False),
        ([15_000], 5, True),
        ([15_000], 6, False),
        ([5_000, 5_000], 0, True),
        ([15_000], -4, True),
    ],
)
def test_weight_that_the_level_did_not_see(weights_g: list[int], rose: int, seen: bool) -> None:
    found = weigh(weights_g, [(0, 40), (5, 40 + rose)])
    assert kinds(found) == ["weight_unseen"] * seen
    if seen and rose == 5:
        (signal,) = found
        assert (signal.accounts, signal.at_us) == (("acc-a",), at_us(seconds(0)))
        assert dict(signal.evidence) == {
            "device": "bin-001",
            "door": "kitchen",
            "weight_g": 15_000,
            "least_pct": 15,
            "rose_pct": 5,
        }
        assert signal.text == (
            "bin-001 kitchen 投口记录投放 15 公斤，满溢度至少应上升 15%，传感器只见 5%。",
            "bin-001 kitchen was given 15 kg, which must raise its level by 15 %; the sensor "
            "saw 5 %.",
        )


def test_only_deposits_between_two_readings_of_one_filling_are_weighed() -> None:
    assert weigh([10_000], [(1, 40), (5, 40)]) == []  # at the first reading: it has seen it
    assert kinds(weigh([10_000], [(0, 40), (1, 40)])) == ["weight_unseen"]
    assert weigh([9_000, 9_000], [(0, 40), (1, 40)]) == []
    assert weigh([10_000], [(0, 40)]) == []
    assert weigh([9_000], [(0, 0), (1, 0)]) == [], "an empty door is at 0"
    assert weigh([10_000], []) == []
    assert weigh([10_000], [(0, None), (5, None)]) == []
    assert kinds(weigh([10_000], [(5, 40), (3, None), (0, 40)])) == ["weight_unseen"]
    assert weigh([10_000], [(0, 40), (5, 40)], capacity_l=101) == []


def test_an_emptied_door_is_weighed_anew() -> None:
    assert weigh([10_000, 1_000], [(0, 40), (1, 50), (2, 3)]) == []
    assert kinds(weigh([10_000, 1_000], [(0, 40), (1, 45), (2, 40)])) == ["weight_unseen"]
    assert weigh([9_000, 1_000], [(0, 46), (1, 46), (2, 40)]) == []
    before_and_after = weigh([10_000, 1_000, 10_000], [(0, 40), (1, 40), (2, 3), (3, 3)])
    assert [s.at_us for s in before_and_after] == [at_us(seconds(0)), at_us(seconds(120))]


def test_accounts_with_at_least_half_of_an_unseen_weight_are_named() -> None:
    readings: list[tuple[int, int | None]] = [(0, 0), (9, 0)]
    assert weigh([5_000] * 2, readings, "ab")[0].accounts == ("acc-a", "acc-b")
    assert weigh([5_000, 5_001], readings, "ab")[0].accounts == ("acc-b",)
    assert weigh([5_000] * 3, readings, "abc")[0].accounts == ()
    assert weigh([5_000] * 3, readings, "aba")[0].accounts == ("acc-a",)


@pytest.mark.parametrize(
    ("category", "weight_g", "volume_ml", "seen"),
    [
        ("kitchen", 600, 6_000, False),  # 100 g/l
        ("kitchen", 600, 6_001, True),
        ("kitchen", 600, 500, False),  # 1,200 g/l
        ("kitchen", 600, 499, True),
        ("kitchen", 500, 1, True),
        ("kitchen", 499, 1, False),  # too little to be measured well
        ("kitchen", 9_000, None, False),
        ("recyclable", 600, 120_000, False),
        ("recyclable", 600, 120_001, True),
        ("recyclable", 600, 400, False),
        ("recyclable", 600, 399, True),
        ("hazardous", 600, 30_001, True),
        ("hazardous", 600, 200, False),
        ("hazardous", 600, 199, True),
        ("residual", 600, 60_001, True),
        ("residual", 600, 400, False),
        ("residual", 600, 399, True),
    ],
)
def test_a_weight_and_its_volume_that_do_not_fit(
    category: str, weight_g: int, volume_ml: int | None, seen: bool
) -> None:
    one = carried(f"{MON} 12:00:00", volume_ml=volume_ml, category=category, weight_g=weight_g)
    assert kinds(look(one)) == ["weight_volume"] * seen
    unknown_door = one._replace(deposit=replace(one.deposit, category=None))
    assert look(unknown_door) == []


def test_a_stone_in_the_bag_is_told_with_its_evidence() -> None:
    stone = carried(f"{MON} 12:00:00", volume_ml=800, weight_g=2_500)
    (signal,) = look(stone)
    assert (signal.accounts, signal.at_us) == (("a1",), at_us(f"{MON} 12:00:00"))
    assert dict(signal.evidence) == {
        "device": "bin-001",
        "door": "kitchen",
        "category": "kitchen",
        "weight_g": 2_500,
        "volume_ml": 800,
        "density_g_l": 3_125,
    }
    assert signal.text == (
        "bin-001 kitchen 投口一次投放厨余垃圾 2.5 公斤，测得体积 800 毫升，即每升 3125 克；"
        "厨余垃圾每升应为 100 至 1200 克。",
        "bin-001 kitchen was given 2.5 kg of kitchen waste in 800 ml: 3125 g/l, where kitchen "
        "waste has 100 to 1200 g/l.",
    )
    limits = SignalLimits(densities_g_l={Category.KITCHEN: (100, 3_125)})
    assert look(stone, limits=limits) == []


def test_a_card_of_nobody_stands_for_itself() -> None:
    nobody = [carried(seconds(n), "lost", None) for n in range(4)]
    assert look(*nobody)[0].accounts == ("lost",)


def test_a_door_that_the_registry_does_not_have_is_not_weighed() -> None:
    readings = [LevelReading(*DOOR, at_us(seconds(t)), 0) for t in (0, 300)]
    heavy = carried(seconds(60), weight_g=100_000)
    assert look(heavy, levels={DOOR: readings}) == []
    other = carried(seconds(60), weight_g=100_000, category="residual")
    known = DoorKey("bin-001", "residual")
    weighed = {
        "capacities_l": {known: 100},
        "levels": {known: [LevelReading(*known, at_us(seconds(t)), 0) for t in (0, 300)]},
    }
    assert kinds(look(heavy, other, **weighed)) == ["weight_unseen"]


def test_a_door_without_readings_is_not_weighed() -> None:
    assert look(carried(seconds(60), weight_g=100_000), capacities_l={DOOR: 100}) == []


@given(
    st.lists(
        st.builds(
            lambda s, card, device, category: carried(
                seconds(s), card, f"acc-{card[-1]}", device=device, category=category
            ),
            st.integers(0, 80_000).map(lambda n: n // 7 * 7),
            st.sampled_from(["c1", "c2", "d1"]),
            st.sampled_from(sorted(PLACES)),
            st.sampled_from(["kitchen", "residual"]),
        ),
        max_size=40,
    ),
    st.randoms(),
)
def test_their_order_and_repetition_change_nothing(those: list[Carried], chance: Any) -> None:
    again = those + those[: len(those) // 2]
    chance.shuffle(again)
    found = look(*those)
    assert look(*again) == found
    assert [s.at_us for s in found] == sorted(s.at_us for s in found)
