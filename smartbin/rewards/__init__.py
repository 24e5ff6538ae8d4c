"""Rewards: the tariff, what a week of deposits earns, what expires, and what it all is in
sentences. Pure: no store, no clock; ``smartbin.records`` keeps what is computed here.
"""

from smartbin.rewards.describe import describe
from smartbin.rewards.earning import Earned, Reason, RewardDeposit, Why, earned_in_week
from smartbin.rewards.expiry import expiries
from smartbin.rewards.load import load_tariffs
from smartbin.rewards.sentences import (
    Cause,
    adjusted,
    blocked,
    cancelled,
    corrected,
    earned_sentence,
    expired,
    redeemed,
)
from smartbin.rewards.signals import Carried, Signal, SignalKind, SignalLimits, signals
from smartbin.rewards.tariff import AccountKind, Campaign, Rate, Rules, Tariff, Tariffs
from smartbin.rewards.words import Texts

__all__ = [
    "AccountKind",
    "Campaign",
    "Carried",
    "Cause",
    "Earned",
    "Rate",
    "Reason",
    "RewardDeposit",
    "Rules",
    "Signal",
    "SignalKind",
    "SignalLimits",
    "Tariff",
    "Tariffs",
    "Texts",
    "Why",
    "adjusted",
    "blocked",
    "cancelled",
    "corrected",
    "describe",
    "earned_in_week",
    "earned_sentence",
    "expired",
    "expiries",
    "load_tariffs",
    "redeemed",
    "signals",
]
