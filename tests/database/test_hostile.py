"""What people and devices write is kept as text and never becomes SQL, on both databases."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from sqlalchemy import func, select

from smartbin.accounts.store import Accounts
from smartbin.capabilities import metadata
from smartbin.core.scope import EVERYTHING
from smartbin.facts.events import Judge, Verdict
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.tokens import Tokens
from smartbin.people.users import Users
from smartbin.points.adjustments import Adjustments
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.verdicts.rules import DepositKey
from smartbin.verdicts.store import HumanVerdicts
from tests.places.small import SHANGHAI
from tests.points.books import DAY, HOME, NOW_US, Books, kitchen

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
    with books.database.read() as db:
        return {
            name: int(db.execute(select(func.count()).select_from(table)).scalar_one())
            for name, table in metadata.tables.items()
        }


def test_a_text_is_kept_as_it_is_and_touches_nothing_else(books: Books) -> None:
    before = sizes(books)
    users, tokens = Users(books.database, Passwords()), Tokens(books.database)
    judgements = HumanVerdicts(books.database, SHANGHAI)
    rewards = [Reward(f"x{n}", text, text, n + 1, 6) for n, text in enumerate(HOSTILE)]
    judged = {}
    for text, reward in zip(HOSTILE, rewards, strict=True):
        users.create(text, Role.CREW, None, "four quiet lorries", NOW_US)
        tokens.create("t " + text, Role.CREW)
        RewardCatalogue(books.database).put(reward)
        Adjustments(books.database, SHANGHAI).add(HOME, str(uuid4()), 20, text, text, NOW_US)
        deposit = replace(kitchen(), device=text, door=text, account=text)
        books.keep(deposit)
        judged[DepositKey(text, text, deposit.at_us)] = judgements.add(
            deposit, Verdict.INCORRECT, Judge.SUPERVISOR, text, text, NOW_US, str(uuid4())
        )
        assert Accounts(books.database).page(EVERYTHING, DAY, prefix=text) == []

    assert {user.name for user in users.all(EVERYTHING)} == set(HOSTILE)
    assert RewardCatalogue(books.database).rewards() == rewards
    booked = [(entry.entry.reason, entry.entry.who) for entry in books.entries(HOME)]
    assert booked == [(text, text) for text in HOSTILE]
    for key, judgement in judged.items():
        assert judgements.for_deposits([key]) == {key: [judgement]}
    grown = {name: n - before[name] for name, n in sizes(books).items() if n != before[name]}
    assert min(grown.values()) > 0, grown
    for name in ("deposit_line", "app_user", "token", "ledger", "reward", "judgement"):
        assert grown[name] == len(HOSTILE), name
    first, *others = HOSTILE
    users.disable(first, NOW_US)
    tokens.revoke("t " + first)
    assert {user.name for user in users.all(EVERYTHING) if user.disabled_us is None} == set(others)
    assert {one.principal.name for one in tokens.all(EVERYTHING)} == {"t " + o for o in others}
