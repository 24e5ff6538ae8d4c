"""Made-up households and enterprises with cards, and how each behaves."""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import IO

from smartbin.places import Community, CommunityKind, Registry

ENTERPRISES = 3  # a community


class Behaviour(StrEnum):
    """How a card is used."""

    STEADY = "steady"
    OCCASIONAL = "occasional"
    CARELESS = "careless"
    CHEATING = "cheating"
    ABSENT = "absent"


# How often a household deposits against the others, and by how much its accuracy differs.
_OFTEN = {
    Behaviour.STEADY: 1.0,
    Behaviour.OCCASIONAL: 0.3,
    Behaviour.CARELESS: 0.8,
    Behaviour.CHEATING: 0.8,
    Behaviour.ABSENT: 0.0,
}
_ACCURACY_SHIFT = {
    Behaviour.STEADY: 0.03,
    Behaviour.OCCASIONAL: 0.0,
    Behaviour.CARELESS: -0.18,
    Behaviour.CHEATING: 0.0,
    Behaviour.ABSENT: 0.0,
}


@dataclass(frozen=True, slots=True)
class AccountCard:
    """A card: its pseudonymous code, whose it is and how it behaves."""

    card: str
    kind: str
    community: str
    behaviour: Behaviour


@dataclass(frozen=True, slots=True)
class People:
    """The cards of a community and what its people have in common."""

    cards: tuple[str, ...]
    often_cumulated: tuple[float, ...]
    accuracy: tuple[float, ...]  # of each card
    usual_accuracy: float  # of deposits without a card
    volume: float  # waste a household against the site's mean
    cheaters: tuple[str, ...]
    accounts: tuple[AccountCard, ...]


def _code(seed: int, community: str, n: int, first: str) -> str:
    text = f"{seed}/{community}/{first}{n}".encode()
    return first + hashlib.sha256(text).hexdigest()[:10]


@lru_cache(maxsize=256)
def people_of(seed: int, community: Community) -> People:
    """The community's cards: a pure function of the seed and the community."""
    rng = random.Random(f"{seed}/people/{community.id}")
    leads = community.kind is not CommunityKind.STANDARD
    accuracy = rng.uniform(0.93, 0.96) if leads else rng.uniform(0.84, 0.95)
    participating = rng.uniform(0.88, 0.97) if leads else rng.uniform(0.60, 0.92)
    volume = rng.uniform(0.88, 1.12)
    shares = {
        Behaviour.STEADY: 0.66 * participating,
        Behaviour.OCCASIONAL: 0.20 * participating,
        Behaviour.CARELESS: 0.13 * participating,
        Behaviour.CHEATING: 0.01 * participating,
        Behaviour.ABSENT: 1 - participating,
    }
    behaviours = rng.choices(list(shares), list(shares.values()), k=community.households)
    accounts = [
        AccountCard(_code(seed, community.id, n, "H"), "household", community.id, behaviour)
        for n, behaviour in enumerate(behaviours)
    ] + [
        AccountCard(_code(seed, community.id, n, "E"), "enterprise", community.id, Behaviour.STEADY)
        for n in range(ENTERPRISES)
    ]
    return People(
        tuple(a.card for a in accounts),
        tuple(accumulate(_OFTEN[a.behaviour] for a in accounts)),
        tuple(min(0.995, accuracy + _ACCURACY_SHIFT[a.behaviour]) for a in accounts),
        accuracy,
        volume,
        tuple(a.card for a in accounts if a.behaviour is Behaviour.CHEATING),
        tuple(accounts),
    )


def accounts(registry: Registry, seed: int) -> Iterator[AccountCard]:
    """Every card of the fleet."""
    for community in registry.communities.values():
        yield from people_of(seed, community).accounts


def write_accounts(registry: Registry, seed: int, since: date, file: IO[str]) -> int:
    """Write the cards as CSV for import (card, kind, community, from, to); answers how many."""
    table = csv.writer(file)
    table.writerow(("card", "kind", "community", "from", "to"))
    count = 0
    for account in accounts(registry, seed):
        table.writerow((account.card, account.kind, account.community, since.isoformat(), ""))
        count += 1
    return count
