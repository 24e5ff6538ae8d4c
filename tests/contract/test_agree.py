"""An adapter agrees with the model on anything: any facts, in any batches, any questions."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given, settings

from smartbin.telemetry import open_reader, open_writer
from tests.contract.defects import ALONE, MORE, UNASKED
from tests.contract.histories import Case, answers, cases, tell
from tests.contract.model import Model
from tests.influx import Influx

# An example costs half a second on InfluxDB: a pair of buckets, four writes, a dozen questions.
INFLUX_EXAMPLES = int(os.environ.get("SMARTBIN_TEST_INFLUX_EXAMPLES", "30"))


def compare(url: str, token: str | None, case: Case) -> None:
    """The store of ``url`` and the model are told the same and asked the same."""
    model = Model(case.zone)
    tell(model, case)
    writer, reader = open_writer(url, case.zone, token), open_reader(url, case.zone, token)
    try:
        tell(writer, case)
        assert answers(reader, case.question) == answers(model, case.question)
    finally:
        reader.close()
        writer.close()


@settings(max_examples=150, deadline=None)
@given(cases())
def test_sqlite_agrees_with_the_model_on_anything(case: Case) -> None:
    with TemporaryDirectory() as folder:
        compare(f"sqlite:///{Path(folder) / 'telemetry.db'}", None, case)


@pytest.mark.real
@settings(max_examples=INFLUX_EXAMPLES, deadline=None)
@given(cases())
def test_influx_agrees_with_the_model_on_anything(influx_server: Influx, case: Case) -> None:
    with influx_server.buckets() as url:
        compare(url, influx_server.token, case)


def differs(kind: type[Model], examples: int) -> bool:
    """Whether the comparison finds this wrong store within so many examples."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # the first difference will do, unshrunk
    )
    @given(cases())
    def agrees(case: Case) -> None:
        right, wrong = Model(case.zone), kind(case.zone)
        tell(right, case)
        tell(wrong, case)
        assert answers(wrong, case.question) == answers(right, case.question)

    try:
        agrees()
    except AssertionError:
        return True
    return False


FOUND_BY_ASKING = [kind for kind in ALONE.values() if kind not in UNASKED]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", [*FOUND_BY_ASKING, *MORE])
def test_every_seeded_defect_is_found(kind: type[Model]) -> None:
    assert differs(kind, 2_000)  # the first difference ends it; the rarest needs some hundreds


def test_a_right_store_is_not_accused() -> None:
    assert not differs(Model, 50)
