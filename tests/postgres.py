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

from smartbin.database import Database
from tests.real import free_port, missing, patient_s, until

HOW = "apt-get install postgresql, or set SMARTBIN_TEST_POSTGRES_URL to a server's URL"
_TEMPLATE = "smartbin_test_template"


class Postgres:
    """A server that makes databases; ``url`` is its administrator's."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._numbers = count()
        self._run(f"DROP DATABASE IF EXISTS {_TEMPLATE}", f"CREATE DATABASE {_TEMPLATE}")
        template = Database.open(self.shown(_TEMPLATE))
        template.migrate()
        template.close()

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
def server(*, durable: bool = False) -> Iterator[Postgres]:
    """The server that the environment names, or one of our own; ``durable`` where its time is
    measured.
    """
    if given := os.environ.get("SMARTBIN_TEST_POSTGRES_URL"):
        yield Postgres(make_url(given))
        return
    where = programs()
    # Outside pytest's folders: only their owner may enter them, and PostgreSQL refuses root.
    folder = Path(tempfile.mkdtemp(prefix="smartbin-postgres-"))
    try:
        with _own(where, folder, durable) as url:
            yield Postgres(url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own(programs: Path, folder: Path, durable: bool) -> Iterator[URL]:
    own = Postgresd(programs, folder, durable=durable)
    try:
        own.start()
        yield own.url
    finally:
        own.end(signal.SIGQUIT)  # nothing of it is needed any more


class Postgresd:
    """A server of our own, in a folder, on a port that stays the same when it is started again."""

    def __init__(self, programs: Path, folder: Path, *, durable: bool = False) -> None:
        self._programs, self._folder, self._user = programs, folder, _user(folder)
        self._durable = durable
        self.port = free_port()
        self.url = URL.create(
            "postgresql+psycopg", "smartbin", None, "127.0.0.1", self.port, "postgres"
        )
        self.process: subprocess.Popen[bytes] | None = None
        options = ["-U", "smartbin", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = self._run([str(programs / "initdb"), "-D", str(folder / "data"), *options])
        _, errors = made.communicate()
        assert made.returncode == 0, errors.decode()

    def start(self) -> None:
        """Returns when it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1"
        options += f" -c unix_socket_directories={self._folder}"
        options += " -c max_connections=200 -c timezone=UTC"
        options += "" if self._durable else " -c fsync=off"
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data")]
        self.process = self._run([*command, *options.split()], self._folder / "log")
        until(lambda: _answers(self.url), f"PostgreSQL answers: {self._folder}/log", 60)

    def send(self, number: int) -> None:
        """To the server and all of its own processes: each serves a connection."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process is None:
            return
        if number == signal.SIGKILL:
            self.send(number)
        else:
            self.process.send_signal(number)
        self.process.wait(patient_s(20))
        self.process = None

    def _run(self, command: list[str], log: Path | None = None) -> subprocess.Popen[bytes]:
        with (log or Path(os.devnull)).open("ab") as said:
            return subprocess.Popen(
                command,
                stdout=said,
                stderr=said if log else subprocess.PIPE,
                cwd=self._folder,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
                start_new_session=True,
            )


def programs() -> Path:
    """Where PostgreSQL's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if not shutil.which("initdb") else []
    initdb = shutil.which("initdb") or (str(found[-1] / "initdb") if found else None)
    if initdb is None:
        missing("PostgreSQL", HOW)
    return Path(initdb).resolve().parent


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
