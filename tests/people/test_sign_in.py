"""Sign-ins on both databases: what many at once can do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, update

from smartbin.core import calendar
from smartbin.core.errors import BadInput, StoreUnavailable
from smartbin.core.scope import EVERYTHING
from smartbin.database import Database
from smartbin.people import passwords
from smartbin.people.codes import TRIES, Codes
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Principal, Role
from smartbin.people.sessions import Sessions
from smartbin.people.sign_in import Browser, SignIn, TooOften, Wrong
from smartbin.people.tables import app_user, known_browser, sign_in_try
from smartbin.people.throttle import (
    BROWSERS_OF_ONE_MAX,
    BY_ADDRESS,
    BY_BROWSER,
    BY_NAME,
    Attempt,
    Throttle,
)
from smartbin.people.tokens import digest
from smartbin.people.users import Users
from tests.real import patient_s

NOW_US = 1_795_000_000_000_000


def at_once(times: int, act: Callable[[int], object]) -> list[object]:
    outcomes: list[object] = []
    gate = threading.Barrier(times)

    def run(n: int) -> None:
        gate.wait(patient_s(10))
        outcomes.append(act(n))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient_s(30))
    return outcomes


def test_many_guesses_at_once_are_many(database: Database) -> None:
    throttle = Throttle(database)
    waits = at_once(12, lambda n: throttle.take(Attempt("user li", f"10.0.0.{n}"), NOW_US))
    assert waits.count(0) == BY_NAME.free
    assert max(waits, key=lambda w: int(str(w))) == BY_NAME.leak_s


def test_an_address_that_tries_many_names_waits_and_no_flood_grows_the_table(
    database: Database,
) -> None:
    throttle = Throttle(database)
    waits = [
        throttle.take(Attempt(f"user {n}", f"2001:db8::{n:x}"), NOW_US)
        for n in range(BY_ADDRESS.free + 2)
    ]
    assert waits == [0] * BY_ADDRESS.free + [BY_ADDRESS.leak_s] * 2  # one /64 is one customer
    with database.read() as db:
        assert (db.scalar(select(func.count()).select_from(sign_in_try)) or 0) <= 2 * len(waits)
    assert {throttle.take(Attempt(f"u{n}", f"10.1.{n}.1"), NOW_US) for n in range(50)} == {0}


def test_another_spelling_of_a_name_is_no_new_name_to_guess_at(database: Database) -> None:
    service = SignIn(database)
    typed = ["li.wei", " li.wei", "li.wei ", "  li.wei", "li.wei\t", "li.wei"]
    outcomes: list[type[Exception]] = []
    for n, name in enumerate(typed):
        try:
            service.by_password(name, "wrong", Browser(f"10.0.{n}.1", "test"), NOW_US)
        except (Wrong, TooOften) as refused:
            outcomes.append(type(refused))
    assert outcomes == [Wrong] * BY_NAME.free + [TooOften]


def test_a_right_password_does_not_wipe_out_the_waits_of_wrong_ones(database: Database) -> None:
    throttle = Throttle(database)
    for n in range(BY_ADDRESS.free):
        throttle.take(Attempt(f"user {n}", "10.0.0.1"), NOW_US)
    own = Attempt("user mine", "10.0.0.1")
    later_us = NOW_US + BY_ADDRESS.leak_s * calendar.US_PER_S
    assert throttle.take(own, later_us) == 0
    throttle.forgive(own)
    assert throttle.take(own, later_us) == 0
    assert throttle.take(own, later_us) > 0


def test_failures_leak_away_one_by_one(database: Database) -> None:
    throttle = Throttle(database)
    for n in range(BY_NAME.free):
        assert throttle.take(Attempt("user li", f"10.0.{n}.1"), NOW_US) == 0
    leak_us = BY_NAME.leak_s * calendar.US_PER_S
    assert throttle.take(Attempt("user li", "10.0.9.1"), NOW_US + leak_us - 1) == 1
    waits = [throttle.take(Attempt("user li", "10.0.9.1"), NOW_US + 2 * leak_us) for _ in range(3)]
    assert waits == [0, 0, BY_NAME.leak_s]
    much_later_us = NOW_US + 100 * leak_us
    waits = [throttle.take(Attempt("user li", f"10.9.{n}.1"), much_later_us) for n in range(6)]
    assert waits == [0] * BY_NAME.free + [BY_NAME.leak_s]


def test_an_address_gets_back_what_it_failed_once_time_has_passed(database: Database) -> None:
    throttle = Throttle(database)
    day_us = 24 * calendar.US_PER_HOUR
    for day in range(3):  # an office mistypes every day, and nobody ever signs in there
        for n in range(20):
            attempt = Attempt(f"user {day} {n}", "10.0.0.1")
            assert throttle.take(attempt, NOW_US + day * day_us) == 0


def test_wrong_guesses_of_strangers_do_not_lock_a_known_browser_out(database: Database) -> None:
    service, users = SignIn(database), Users(database, Passwords())
    users.create("li.wei", Role.CREW, None, "four quiet lorries", NOW_US)
    own = Browser("10.0.0.1", "phone")
    entered = service.by_password("li.wei", "four quiet lorries", own, NOW_US)
    for n in range(BY_NAME.free):
        with pytest.raises(Wrong):
            service.by_password("li.wei", "guessed", Browser(f"10.1.{n}.1", "bot"), NOW_US)
    with pytest.raises(TooOften):
        service.by_password("li.wei", "four quiet lorries", own, NOW_US)
    known = replace(own, known=entered.browser)
    assert service.by_password("li.wei", "four quiet lorries", known, NOW_US).who == entered.who
    for _ in range(BY_BROWSER.free):  # a stolen cookie is a bucket too, and of that name alone
        with pytest.raises(Wrong):
            service.by_password("li.wei", "guessed", known, NOW_US)
    with pytest.raises(TooOften):
        service.by_password("li.wei", "four quiet lorries", known, NOW_US)
    with pytest.raises(Wrong):
        service.by_password("wang", "guessed", known, NOW_US)


def test_browsers_that_are_known_do_not_grow_without_end(database: Database) -> None:
    throttle = Throttle(database)
    for n in range(BROWSERS_OF_ONE_MAX + 3):
        throttle.remember(Attempt("user li", "10.0.0.1"), f"secret {n}", NOW_US + n)
    with database.read() as db:
        hashes = list(db.scalars(select(known_browser.c.hash)))
    assert len(hashes) == BROWSERS_OF_ONE_MAX
    assert digest("secret 2") not in hashes
    assert digest("secret 12") in hashes


def test_a_code_is_spent_once_by_however_many_at_once(database: Database) -> None:
    codes = Codes(database, Passwords())
    code, _ = codes.make("11111111", "office", NOW_US)
    assert sorted(at_once(4, lambda n: codes.spend("11111111", code, NOW_US)), key=str) == [
        False,
        False,
        False,
        True,
    ]


def test_guesses_at_once_do_not_get_more_tries(database: Database) -> None:
    codes = Codes(database, Passwords())
    code, _ = codes.make("11111111", "office", NOW_US)
    wrong = f"{(int(code) + 1) % 10**8:08}"
    assert not any(at_once(TRIES, lambda n: codes.spend("11111111", wrong, NOW_US)))
    assert not codes.spend("11111111", code, NOW_US)


def test_users_and_sessions_are_kept_on_both(database: Database) -> None:
    users = Users(database, Passwords())
    users.create("王伟", Role.COMMUNITY, "oak", "four quiet lorries", NOW_US)
    user = users.verified(" 王伟 ", "four quiet lorries")
    assert user is not None
    assert user.principal == Principal(Role.COMMUNITY, "王伟", "oak")
    sessions = Sessions(database)
    secret = sessions.start(user.principal, "phone", NOW_US)
    assert sessions.principal_of(secret, NOW_US + calendar.US_PER_HOUR) == user.principal
    assert sessions.principal_of(secret, NOW_US + 14 * calendar.US_PER_HOUR) is None
    with database.read() as db:
        from smartbin.people.tables import session

        assert secret not in str(db.execute(select(session)).all())


def test_a_password_kept_by_weaker_parameters_is_hashed_anew_and_nobody_is_put_out(
    database: Database,
) -> None:
    users, sessions = Users(database, Passwords()), Sessions(database)
    for name in ("li", "wang"):
        users.create(name, Role.CREW, None, "four quiet lorries", NOW_US)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("four quiet lorries")
    with database.write() as db:
        db.execute(update(app_user).values(password=weak))
    secret = sessions.start(Principal(Role.CREW, "li"), "phone", NOW_US)
    assert users.verified("li", "another") is None
    for _ in range(2):
        assert users.verified("li", "four quiet lorries") is not None
    with database.read() as db:
        asked = select(app_user.c.name, app_user.c.password)
        kept = {row.name: row.password for row in db.execute(asked)}
    assert (kept["li"] != weak, kept["wang"] == weak) == (True, True)
    assert not Passwords().outdated(kept["li"])
    assert sessions.principal_of(secret, NOW_US) is not None


def test_a_name_is_one_persons_and_a_password_no_word_to_guess(database: Database) -> None:
    users = Users(database, Passwords())
    users.create("li", Role.CREW, None, "four quiet lorries", NOW_US)
    with pytest.raises(BadInput, match="a user 'li' exists"):
        users.create(" li ", Role.OFFICE, None, "five quiet lorries", NOW_US)
    for password, said in [
        ("short", "10 to 200 characters"),
        ("x" * 201, "10 to 200 characters"),
        ("ababababab", "too easy to guess"),
        ("administrator", "too easy to guess"),
        ("1234567890", "too easy to guess"),
        ("password12", "too easy to guess"),
        ("１２３４５６７８９０", "too easy to guess"),
    ]:
        with pytest.raises(BadInput, match=said):
            users.create("Administrator", Role.ADMIN, None, password, NOW_US)
    assert [user.name for user in users.all(EVERYTHING)] == ["li"]


def test_who_waits_too_long_for_a_turn_gives_the_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "WAIT_S", 0.01)
    turn = passwords._Turn()
    for _ in range(passwords.AT_ONCE):
        turn.__enter__()
    for _ in range(passwords.WAITING + 5):
        with pytest.raises(StoreUnavailable, match="too many people sign in at once"):
            turn.__enter__()
    for _ in range(passwords.AT_ONCE):
        turn.__exit__()
    with turn:
        pass
