"""A real PostgreSQL for tests: one server a session, a fresh migrated database a test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, make_url, text

from smartbin.records import migrations, open_engine
from tests.real import free_port, missing, until

HOW = "apt-get install postgresql, or set SMARTBIN_TEST_POSTGRES_URL to a server's URL"
_TEMPLATE = "smartbin_test_template"


class Postgres:
    """A server that makes databases; ``url`` is its administrator's."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._numbers = count()
        self._run(f"DROP DATABASE IF EXISTS {_TEMPLATE}", f"CREATE DATABASE {_TEMPLATE}")
        engine = open_engine(self.shown(_TEMPLATE))
        migrations.upgrade(engine)
        engine.dispose()

    def shown(self, database: str) -> str:
        return self.url.set(database=database).render_as_string(hide_password=False)

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """The URL of a fresh database, with all tables or ``empty``; gone afterwards."""
        name = f"smartbin_test_{os.getpid()}_{next(self._numbers)}"
        template = "template1" if empty else _TEMPLATE
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.shown(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, *statements: str) -> None:
        admin = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with admin.connect() as db:
            for statement in statements:
                db.execute(text(statement))
        admin.dispose()


@contextmanager
def server() -> Iterator[Postgres]:
    """The server that the environment names, or one of our own."""
    if given := os.environ.get("SMARTBIN_TEST_POSTGRES_URL"):
        yield Postgres(make_url(given))
        return
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if not shutil.which("initdb") else []
    initdb = shutil.which("initdb") or (str(found[-1] / "initdb") if found else None)
    if initdb is None:
        missing("PostgreSQL", HOW)
    # Outside pytest's folders: only their owner may enter them, and PostgreSQL refuses root.
    folder = Path(tempfile.mkdtemp(prefix="smartbin-postgres-"))
    try:
        with _own(Path(initdb).resolve().parent, folder) as url:
            yield Postgres(url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own(programs: Path, folder: Path) -> Iterator[URL]:
    user = _user(folder)
    data, port = folder / "data", free_port()
    password, secret = os.urandom(16).hex(), folder / "password"
    secret.write_text(password)
    initdb = [
        *(str(programs / "initdb"), "-D", str(data), "-U", "smartbin", "-E", "UTF8"),
        *("-A", "scram-sha-256", f"--pwfile={secret}"),  # as in production
    ]
    made = subprocess.run(
        [*initdb, "--no-sync"],
        capture_output=True,
        text=True,
        cwd=folder,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    assert made.returncode == 0, made.stderr
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    options += " -c max_connections=200 -c fsync=off -c timezone=UTC"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *options.split()],
            stdout=log,
            stderr=log,
            cwd=folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    url = URL.create("postgresql+psycopg", "smartbin", password, "127.0.0.1", port, "postgres")
    try:
        until(lambda: _answers(url), f"PostgreSQL answers: {folder}/log")
        yield url
    finally:
        process.send_signal(signal.SIGQUIT)  # nothing of it is needed any more
        process.wait(20)


def _user(folder: Path) -> str | None:
    """Who runs the server: PostgreSQL refuses root; None for who runs the tests."""
    if os.getuid() != 0:
        return None
    try:
        known = pwd.getpwnam("postgres")
    except KeyError:
        missing("the user postgres", HOW)
    os.chown(folder, known.pw_uid, known.pw_gid)
    return known.pw_name


def _answers(url: URL) -> bool:
    engine: Engine = create_engine(url)
    try:
        with engine.connect() as db:
            return db.execute(text("SELECT 1")).scalar() == 1
    except Exception:  # it starts; what is wrong with it stands in its log
        return False
    finally:
        engine.dispose()
