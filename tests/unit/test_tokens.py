"""Tokens: looked up without waiting for whoever writes."""

from __future__ import annotations

from pathlib import Path

from smartbin.records import open_engine, prepare
from smartbin.records.tokens import Role, Tokens


def test_a_token_is_looked_up_while_another_connection_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    gateway, api = open_engine(url), open_engine(url)
    prepare(gateway)
    secret = Tokens(gateway).create("truck-3", Role.CREW)
    with gateway.begin():  # holds the write lock; a second writer would be refused after 5 s
        assert Tokens(api).role_of(secret) is Role.CREW
        assert Tokens(api).role_of("guessed") is None
    gateway.dispose()
    api.dispose()
