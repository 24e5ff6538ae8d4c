"""PostgreSQL forgets a client that died without a word, and what it had begun, within seconds."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from smartbin.database import Database
from tests.postgres import Postgres


@pytest.mark.real
def test_both_ends_watch_the_connection(postgres_server: Postgres) -> None:
    """tests/faults kills connections; this is why their locks go too."""
    with postgres_server.database() as url:
        database = Database.open(url)
        names = ("idle", "interval", "count")
        with database.read() as db:
            told = [db.execute(text(f"SHOW tcp_keepalives_{n}")).scalar_one() for n in names]
            asked = db.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
            driver = db.connection.driver_connection
            assert driver is not None
            mine = driver.info.get_parameters()
        database.close()
    assert (told, asked) == (["10", "5", "3"], "1min")
    assert [mine[f"keepalives_{n}"] for n in names] == ["10", "5", "3"]
