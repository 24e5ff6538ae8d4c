"""When a figure may be said: every threshold of the statistics, by name, in one place.

A site may set its own in ``statistics.toml`` next to its registry, table ``[sufficient]``; what it
leaves out keeps the value here.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from smartbin.core.errors import BadInput

FILE = "statistics.toml"


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of the statistics.

    judged_min        fewer judged deposits than this give no accuracy: at 10 of 10 the 95 %
                      interval still reaches down to 72 %, below it a rate says nothing
    completeness_min  below this share of device-hours heard no rate is given: more than half of
                      what happened would be unknown
    households_min    fewer registered households than this give no participation: a rate over
                      one or two would show what a single household does
    days_min          "took part on at least this many days", the second participation rate
    weight_cv         how much bags differ in weight (standard deviation / mean); 1 is cautious
                      for household bags
    valid_weight_g    a lighter deposit does not count as taking part; the tariff rewards from the
                      same 0.2 kg on
    """

    judged_min: int = 10
    completeness_min: float = 0.5
    households_min: int = 10
    days_min: int = 4
    weight_cv: float = 1.0
    valid_weight_g: int = 200


DEFAULT = Limits()


def load(folder: Path) -> Limits:
    """The site's limits from ``folder/statistics.toml``, the defaults when there is none.

    Raises BadInput with a sentence that names file, field and remedy.
    """
    path = folder / FILE
    try:
        with path.open("rb") as text:
            file = tomllib.load(text)
    except FileNotFoundError:
        return DEFAULT
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error}); save it as TOML in UTF-8") from None
    table = file.pop("sufficient", {})
    if file or not isinstance(table, dict):
        raise BadInput(f"{path}: write one table, [sufficient], and nothing else")
    known = {f.name: type(getattr(DEFAULT, f.name)) for f in fields(Limits)}
    for name, value in table.items():
        if name not in known:
            raise BadInput(f"{path}: unknown limit {name!r}; known are {', '.join(known)}")
        _check(path, name, value, known[name])
    return Limits(**table)


def check_file(path: Path, _registry: object = None) -> list[str]:
    """The limits of a site's file, one a line; raises BadInput."""
    return [f"{name} = {value}" for name, value in asdict(load(path.parent)).items()]


def _check(path: Path, name: str, value: object, wanted: type) -> None:
    if wanted is int and (type(value) is not int or value < 1):
        raise BadInput(f"{path}: {name} is {value!r}; give a whole number of at least 1")
    if wanted is float and (type(value) not in (int, float) or not 0 <= float(str(value)) <= 10):
        raise BadInput(f"{path}: {name} is {value!r}; give a number from 0 to 10")
    if name == "completeness_min" and float(str(value)) > 1:
        raise BadInput(f"{path}: {name} is {value!r}; it is a share, give 0 to 1")
