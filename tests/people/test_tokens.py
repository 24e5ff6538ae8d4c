"""Tokens: looked up without waiting for whoever writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartbin.core.errors import BadInput
from smartbin.core.scope import EVERYTHING
from smartbin.database import Database
from smartbin.people.principals import Principal, Role
from smartbin.people.tokens import Tokens


def test_a_token_is_looked_up_while_another_connection_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    gateway, api = Database.open(url), Database.open(url)
    gateway.prepare()
    secret = Tokens(gateway).create("truck-3", Role.CREW)
    with gateway.write():  # holds the write lock; a second writer would be refused after 5 s
        assert Tokens(api).principal_of(secret) == Principal(Role.CREW, "truck-3")
        assert Tokens(api).principal_of("guessed") is None
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
    assert tokens.names(EVERYTHING) == [Principal(Role.CREW, "truck-3")]
    assert tokens.principal_of(first) == Principal(Role.CREW, "truck-3")
    database.close()
