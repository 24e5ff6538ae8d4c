"""Tokens: looked up without waiting for whoever writes."""

from __future__ import annotations

from pathlib import Path

from smartbin.records import open_engine, prepare
from smartbin.records.principals import Principal, Role
from smartbin.records.tokens import Tokens


def test_a_token_is_looked_up_while_another_connection_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    gateway, api = open_engine(url), open_engine(url)
    prepare(gateway)
    secret = Tokens(gateway).create("truck-3", Role.CREW)
    with gateway.begin():  # holds the write lock; a second writer would be refused after 5 s
        assert Tokens(api).principal_of(secret) == Principal(Role.CREW, "truck-3")
        assert Tokens(api).principal_of("guessed") is None
    gateway.dispose()
    api.dispose()
