"""What people and devices write is kept as text and never becomes SQL, on both databases."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from smartbin.events import Judge, Verdict
from smartbin.records.accounts import Accounts
from smartbin.records.judgements import DepositKey, Judgements
from smartbin.records.passwords import Passwords
from smartbin.records.principals import Role
from smartbin.records.redemptions import Reward, Shop
from smartbin.records.schema import metadata
from smartbin.records.tokens import Tokens
from smartbin.records.users import Users
from tests.places import SHANGHAI
from tests.records.books import DAY, HOME, NOW_US, Books, kitchen

HOSTILE = [
    "'; DROP TABLE ledger; --",
    "x' OR '1'='1",
    '" OR ""="',
    "%",
    "_",
    "\\",
    "$$; SELECT pg_sleep(60); $$",
    ":name %s %(name)s ? {0}",
    "厨余🗑️",
]


def sizes(books: Books) -> dict[str, int]:
    with books.engine.connect() as db:
        return {
            name: int(db.execute(select(func.count()).select_from(table)).scalar_one())
            for name, table in metadata.tables.items()
        }


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_kept_as_it_is_and_touches_nothing_else(books: Books, text: str) -> None:
    before = sizes(books)
    users, tokens = Users(books.engine, Passwords()), Tokens(books.engine)
    for name in ("li.wei", text):
        users.create(name, Role.CREW, None, "four quiet lorries", NOW_US)
        tokens.create(name, Role.CREW)
    shop = Shop(books.engine, SHANGHAI)
    kept = [Reward("soap", "洗衣皂", "Soap", 1, 6), Reward("x", text, text, 2, 6)]
    for reward in kept:
        shop.put(reward)
    shop.adjust(HOME, str(uuid4()), 20, text, text, NOW_US)
    deposit = replace(kitchen(), device=text, door=text, account=text)
    books.keep(deposit, kitchen())
    judgements = Judgements(books.engine, SHANGHAI)
    judged = judgements.add(
        deposit, Verdict.INCORRECT, Judge.SUPERVISOR, text, text, NOW_US, str(uuid4())
    )

    assert {user.name for user in users.all()} == {"li.wei", text}
    assert shop.rewards() == kept
    (entry,) = books.entries(HOME)
    assert (entry.entry.reason, entry.entry.who) == (text, text)
    key = DepositKey(text, text, deposit.at_us)
    assert judgements.for_deposits([key]) == {key: [judged]}
    users.disable(text, NOW_US)
    tokens.revoke(text)
    assert [user.name for user in users.all() if user.disabled_us is None] == ["li.wei"]
    assert [token.name for token in tokens.names()] == ["li.wei"]
    accounts = Accounts(books.engine)
    assert accounts.page(DAY, prefix=text) == []
    grown = {name: n - before[name] for name, n in sizes(books).items() if n != before[name]}
    assert grown["deposit_line"] == 2
    assert (grown["app_user"], grown["token"], grown["ledger"]) == (2, 1, 1)
    assert not any(n < 0 for n in grown.values()), grown
