"""The table of accounts a clerk imports: what its rows say, and what they change. Pure but for
reading the file.

Columns: ``card``, ``kind`` (household or enterprise), ``community``, ``from``, ``to`` (inclusive,
empty is open) and, where a card is not to have an account of its own, ``account``. A row is known
by its card and its first day: with another end, community or account it changes that holding.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from smartbin.accounts.rules import AccountKind
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput
from smartbin.places import tables
from smartbin.places.tables import Mistakes

COLUMNS = ("card", "kind", "community", "from", "to")
CARD = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what a deposit's ``account`` may be on the wire
CODE = re.compile(r"[A-Za-z0-9-]{4,32}")


@dataclass(frozen=True, slots=True)
class Holding:
    """During ``days`` the card was ``account``'s, who lived in ``community``."""

    card: str
    days: Days
    account: str
    community: str


@dataclass(frozen=True, slots=True)
class TableLine:
    """A row of the file; ``account`` is None where the card itself says whose it is."""

    where: str
    card: str
    kind: AccountKind
    community: str
    days: Days
    account: str | None


@dataclass(slots=True)
class Plan:
    """What an import changes: accounts made, holdings that begin and that were wrong."""

    made: dict[str, AccountKind] = field(default_factory=dict)
    begun: list[Holding] = field(default_factory=list)
    voided: list[Holding] = field(default_factory=list)
    unchanged: int = 0


def lines_of(path: Path, communities: Collection[str]) -> list[TableLine]:
    """The file's rows; BadInput lists every mistake with its line and remedy."""
    mistakes = Mistakes()
    lines = []
    for row in tables.read(path.parent, path.name, COLUMNS, mistakes):
        card = row.cell("card")
        code = row.cell("account") if "account" in row.cells else ""
        community = row.cell("community")
        if tables.rounded(card):
            mistakes.add(row.where, f"card {card[:40]!r} {tables.ROUNDED}", tables.AS_TEXT)
        elif _is_identity_number(card):
            what = "card looks like a resident identity number"
            mistakes.add(row.where, what, "use the code of the card: no identity number is kept")
        elif not CARD.fullmatch(card):
            what = f"card {card[:40]!r} is not a card code"
            mistakes.add(row.where, what, "use 1 to 64 of A-Z, a-z, 0-9, '_' and '-'")
        if code and not CODE.fullmatch(code):
            what = f"account {code[:40]!r} is not an account code"
            mistakes.add(row.where, what, "use 4 to 32 of A-Z, a-z, 0-9 and '-', or leave it empty")
        if community not in communities:
            what = f"community {community[:40]!r} is not in the registry"
            mistakes.add(row.where, what, "use an id of communities.csv")
        kind, days = row.choice("kind", AccountKind), row.days()
        lines.append(TableLine(row.where, card, kind, community, days, code or None))
    _raise(mistakes)
    return lines


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _is_identity_number(card: str) -> bool:
    """Eighteen characters whose last is the check digit of GB 11643-1999."""
    if not re.fullmatch(r"[0-9]{17}[0-9Xx]", card):
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(card, _WEIGHTS, strict=False)) % 11
    return card[-1].upper() == "10X98765432"[rest]


def plan(
    lines: Iterable[TableLine],
    known: Iterable[Holding],
    kinds: Mapping[str, AccountKind],
    new_code: Callable[[], str],
) -> Plan:
    """What the rows change of what is known; BadInput lists every mistake."""
    mistakes, planned = Mistakes(), Plan()
    holdings: dict[str, dict[date, Holding]] = defaultdict(dict)
    spelt: dict[str, str] = {}
    for h in known:
        holdings[h.card][h.days.first] = h
        spelt[h.card.casefold()] = h.card
    where: dict[Holding, str] = {}
    for line in lines:
        same = spelt.setdefault(line.card.casefold(), line.card)
        if same != line.card:
            what = f"card {line.card} differs from card {same} in upper and lower case only"
            mistakes.add(line.where, what, "write it as it stands on the card, everywhere")
            continue
        found = holdings[line.card]
        standing = found.get(line.days.first)
        code = line.account or _owner(found, line.days) or _fresh(new_code, kinds, planned)
        kind = kinds.get(code) or planned.made.get(code)
        if kind is not None and kind is not line.kind:
            what = f"account {code} is {kind}, not {line.kind}"
            mistakes.add(line.where, what, "mend the kind, or give this card another account")
        if kind is None:
            planned.made[code] = line.kind
        holding = Holding(line.card, line.days, code, line.community)
        if holding in where:
            what = f"the row stands at {where[holding]} too"
            mistakes.add(line.where, what, "remove one of the two")
            continue
        where[holding] = line.where
        if standing == holding:
            planned.unchanged += 1
            continue
        if standing is not None:
            if standing in planned.begun:
                what = f"card {line.card} begins on {line.days.first} twice"
                mistakes.add(line.where, what, "keep one of the two rows")
                continue
            planned.voided.append(standing)
        found[line.days.first] = holding
        planned.begun.append(holding)
    _check(holdings, where, mistakes)
    _raise(mistakes)
    return planned


def _owner(found: Mapping[date, Holding], days: Days) -> str | None:
    """Whose the card is by what is known: on the row's first day, else at its nearest one."""
    if not found:
        return None
    return min(found.values(), key=lambda h: abs((h.days.first - days.first).days)).account


def _fresh(new_code: Callable[[], str], kinds: Mapping[str, AccountKind], planned: Plan) -> str:
    while (code := new_code()) in kinds or code in planned.made:
        pass
    return code


def _check(
    holdings: Mapping[str, Mapping[date, Holding]], where: Mapping[Holding, str], mistakes: Mistakes
) -> None:
    by_account: dict[str, list[Holding]] = defaultdict(list)
    for of_card in holdings.values():
        for h in of_card.values():
            by_account[h.account].append(h)
        for earlier, later in _touching(sorted(of_card.values(), key=lambda h: h.days.first)):
            _overlap(earlier, later, f"card {later.card}", where, mistakes)
    for of_account in by_account.values():
        for earlier, later in _touching(sorted(of_account, key=lambda h: h.days.first)):
            if earlier.community != later.community and earlier.card != later.card:
                _overlap(earlier, later, f"account {later.account}", where, mistakes)


def _touching(holdings: Sequence[Holding]) -> Iterable[tuple[Holding, Holding]]:
    """Every pair that shares days, of holdings in the order of their first days."""
    for n, earlier in enumerate(holdings):
        for later in holdings[n + 1 :]:
            if later.days.first > earlier.days.last:
                break
            yield earlier, later


def _overlap(
    earlier: Holding, later: Holding, what: str, where: Mapping[Holding, str], mistakes: Mistakes
) -> None:
    at = where.get(later) or where.get(earlier) or "known"
    place = f"is in {earlier.community} (account {earlier.account}) from {earlier.days.first}"
    mistakes.add(
        at,
        f"{what} {place} and in {later.community} (account {later.account}) from "
        f"{later.days.first} at once",
        f"end the first one: give its row again with to before {later.days.first}",
    )


def _raise(mistakes: Mistakes) -> None:
    if mistakes.found:
        raise BadInput("\n".join(mistakes.found))
