"""Tokens: looked up without waiting for whoever writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartbin.core.errors import BadInput
from smartbin.core.scope import EVERYTHING
from smartbin.database import Database
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Principal, Role
from smartbin.people.sessions import Sessions
from smartbin.people.tokens import DAY_US, USED_EVERY_US, Token, Tokens
from smartbin.people.users import Users

NOW_US = 1_795_000_000_000_000
TRUCK = Principal(Role.CREW, "truck-3", program=True)


def test_a_token_is_looked_up_while_another_connection_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    gateway, api = Database.open(url), Database.open(url)
    gateway.prepare()
    secret = Tokens(gateway).create("truck-3", Role.CREW)
    with gateway.write():  # holds the write lock; a second writer would be refused after 5 s
        assert Tokens(api).principal_of(secret, NOW_US) == TRUCK
        assert Tokens(api).principal_of("guessed", NOW_US) is None
    gateway.close()
    api.close()


def test_a_name_is_given_once_and_a_role_what_it_needs(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/records.db")
    database.prepare()
    tokens = Tokens(database)
    first = tokens.create("truck-3", Role.CREW)
    cases = [
        ("truck-3", Role.OFFICE, None, "--name: a token 'truck-3' exists"),
        ("home", Role.RESIDENT, None, "--role: resident is nobody's to give"),
        ("board", Role.PUBLIC, None, "--role: public is nobody's to give"),
        ("oak", Role.COMMUNITY, None, "--community: say which community"),
        ("truck-4", Role.CREW, "oak", "--community: crew is of the whole subdistrict"),
    ]
    for name, role, community, said in cases:
        with pytest.raises(BadInput, match=said):
            tokens.create(name, role, community)
    assert tokens.all(EVERYTHING) == [Token(TRUCK, None, None)]
    assert tokens.principal_of(first, NOW_US) == TRUCK
    database.close()


def test_a_token_ends_and_says_when_it_was_last_used(database: Database) -> None:
    tokens = Tokens(database)
    secret = tokens.create("truck-3", Role.CREW, ends_us=NOW_US + DAY_US)
    assert tokens.principal_of(secret, NOW_US) == TRUCK
    assert tokens.principal_of(secret, NOW_US + USED_EVERY_US - 1) == TRUCK
    assert tokens.all(EVERYTHING) == [Token(TRUCK, NOW_US + DAY_US, NOW_US)]
    assert tokens.principal_of(secret, NOW_US + DAY_US - 1) == TRUCK
    assert tokens.all(EVERYTHING) == [Token(TRUCK, NOW_US + DAY_US, NOW_US + DAY_US - 1)]
    assert tokens.principal_of(secret, NOW_US + DAY_US) is None


@pytest.mark.parametrize(
    "name", ["zhao", "ZHAO", "zha\N{CYRILLIC SMALL LETTER O}", "ｚｈａｏ", "zha0"]
)
def test_no_name_of_a_program_can_be_taken_for_a_persons(database: Database, name: str) -> None:
    tokens, users = Tokens(database), Users(database, Passwords())
    users.create("zhao", Role.ADMIN, None, "four quiet lorries", NOW_US)
    with pytest.raises(BadInput, match="is, or looks like, the user 'zhao'"):
        tokens.create(name, Role.OFFICE)
    if name != "zhao":
        with pytest.raises(BadInput, match="is, or looks like, the user 'zhao'"):
            users.create(name, Role.OFFICE, None, "four quiet lorries", NOW_US)
    tokens.create("truck", Role.CREW)
    tokens.revoke("truck")
    with pytest.raises(BadInput, match="is, or looks like, the token 'truck'"):
        users.create("Truck", Role.CREW, None, "four quiet lorries", NOW_US)
    tokens.create("truck", Role.CREW)  # the same program again


def test_a_program_has_no_sessions_to_end(database: Database) -> None:
    sessions = Sessions(database)
    Users(database, Passwords()).create("zhao", Role.ADMIN, None, "four quiet lorries", NOW_US)
    sessions.start(Principal(Role.ADMIN, "zhao"), "desk", NOW_US)
    named_alike = Principal(Role.OFFICE, "zhao", program=True)
    assert sessions.seen_by(named_alike.scope, NOW_US) == []
