"""``python -m tools.tables``: write the tables of endpoints into docs/ (``make docs``)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI

from api.app import create_app
from api.endpoints import endpoints_table, roles_table
from api.parts import Parts
from smartbin.database import Database
from smartbin.places.load import load
from smartbin.telemetry import open_reader

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- endpoints: begin -->\n", "<!-- endpoints: end -->\n"
TABLES: dict[str, Callable[[FastAPI], str]] = {
    "docs/roles.md": roles_table,
    "docs/http-api.md": endpoints_table,
}


def with_table(text: str, table: str) -> str:
    """The document with the table between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the document has no {BEGIN.strip()} and {END.strip()}: put them back")
    return f"{before}{BEGIN}{table}\n{END}{after}"


@contextmanager
def application() -> Iterator[FastAPI]:
    """The application over empty stores: its endpoints follow from the code alone."""
    with tempfile.TemporaryDirectory() as folder:
        registry = load(ROOT / "deploy/xinbei")
        database = Database.open("sqlite://")
        reader = open_reader(f"sqlite:///{folder}/none.db", registry.site.zone)
        yield create_app(Parts(registry, reader, database, Path(folder), lambda: 0))
        database.close()


def main() -> None:
    """Write every table anew."""
    with application() as app:
        for name, table in TABLES.items():
            path = ROOT / name
            text = with_table(path.read_text(encoding="utf-8"), table(app))
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
