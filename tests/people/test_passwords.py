"""Passwords as the product hashes them; other tests hash cheaply (tests/quick.py)."""

from __future__ import annotations

import statistics
import time

import pytest
from argon2 import Type, extract_parameters, profiles

from smartbin.database import Database
from smartbin.people import passwords
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.users import Users
from tests.quick import PRODUCTS


@pytest.fixture
def as_the_product(monkeypatch: pytest.MonkeyPatch) -> Passwords:
    monkeypatch.setattr(passwords, "PARAMETERS", PRODUCTS)
    return Passwords()


def test_a_password_is_kept_as_the_rfc_says(as_the_product: Passwords) -> None:
    kept = as_the_product.hash("four quiet lorries")
    assert extract_parameters(kept) == profiles.RFC_9106_LOW_MEMORY
    assert extract_parameters(kept).type is Type.ID
    assert as_the_product.verify(kept, "four quiet lorries")
    assert not as_the_product.verify(kept, "four quiet lorry")


@pytest.mark.thorough
def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    as_the_product: Passwords, database: Database
) -> None:
    users = Users(database, as_the_product)
    users.create("li.wei", Role.CREW, None, "four quiet lorries", 0)

    def median_s(name: str) -> float:
        times = []
        for _ in range(5):
            # The processor's time: another program that is busy changes nothing of it.
            began = time.process_time()
            assert users.verified(name, "guessed") is None
            times.append(time.process_time() - began)
        return statistics.median(times)

    users.verified("nobody", "first")  # makes the hash that nobody's is compared with
    wrong_s, unknown_s = median_s("li.wei"), median_s("nobody")
    assert 0.4 < unknown_s / wrong_s < 2.5
