"""A fleet's days against the whole system, and everything an oracle must know of them.

Played in the order of a real month: cards are known first, deposits come through harsh faults
while the API settles, points are spent, then people judge deposits and mend the table of cards.
"""

from __future__ import annotations

import csv
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from simulator import run
from simulator.faults import FaultyDelivery, Profile
from simulator.fleet import Fleet
from simulator.households import accounts, people_of
from simulator.processes import PartFailed
from simulator.system import System
from smartbin.facts.events import Deposit
from tests.oracle.figures import Site
from tests.real import patient_s

SINCE = date(2024, 1, 1)
PRICE = 20
JUDGED, SPENDERS, MOVED = 60, 12, 20
REWARD = {"id": "soap", "name": "肥皂", "name_en": "Soap", "price": PRICE, "stock": 100_000}
Key = tuple[str, str, int]


class Client:
    """Asks the running API with one role's token."""

    def __init__(self, system: System, role: str) -> None:
        self._url = system.api
        made = system.ask_api("token", "create", "--role", role, "--name", f"campaign-{role}")
        self._headers = {"Authorization": f"Bearer {made}", "Content-Type": "application/json"}

    def get(self, path: str, **query: object) -> Any:
        """The answer to a question."""
        status, answer = self.ask(f"{path}?{urlencode(query)}")
        assert status == 200, (path, query, answer)
        return answer

    def ask(self, path: str, body: object = None) -> tuple[int, Any]:
        """Status and answer; a body is posted."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self._url}/api/v1/{path}"
        request = urllib.request.Request(url, data, self._headers)
        try:
            with urllib.request.urlopen(request, timeout=patient_s(120)) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@dataclass
class Campaign:
    """What was sent and done, as the oracles take it."""

    system: System
    fleet: Fleet
    site: Site
    days: Sequence[date]
    folder: Path
    deposits: list[dict[str, Any]] = field(default_factory=list)
    messages: dict[tuple[str, date, int], set[int]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    spent: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def open_accounts(self) -> None:
        """Every card of the fleet is an account of a code that we know."""
        rows = []
        for n, a in enumerate(accounts(self.fleet.registry, self.fleet.seed)):
            code = f"A{n:06}"
            card = {"card": a.card, "from": SINCE, "to": None, "community": a.community}
            self.accounts[code] = {"kind": a.kind, "cards": [card]}
            rows.append((a.card, a.kind, a.community, SINCE, "", code))
        self._load(rows)

    def send(self, start_us: int, end_us: int) -> None:
        """The devices' days through harsh faults, each told to the oracles as it is sent."""
        system = self.system
        with run.buffered(system.broker, self.fleet.registry.devices) as publisher:
            pace = system.pace(publisher)
            run.backfill(
                self.fleet, publisher, start_us, end_us, Profile.HARSH, seen=self._seen, pace=pace
            )
            system.wait_received(publisher.acknowledged)

    def settle(self) -> None:
        """Until nothing is left: the API's own settler is at it too, and each waits for the
        other.
        """
        deadline_s = time.monotonic() + patient_s(200 + 60 * len(self.days))
        while time.monotonic() < deadline_s:
            try:
                said = self.system.ask_api("settle")
            except PartFailed as error:
                if "locked" not in str(error):
                    raise
            else:
                if "another settler" not in said:
                    return
        raise AssertionError("not settled in time")

    def spend(self, office: Client) -> None:
        """Some spend all they can."""
        status, said = office.ask("rewards", REWARD)
        assert status == 200, said
        for code in self._spenders():
            balance = office.get(f"accounts/{code}")["balance"]
            body = {"request_id": f"spend-{code}", "reward": "soap", "quantity": balance // PRICE}
            for _ in range(2):  # the network lost the answer
                status, said = office.ask(f"accounts/{code}/redemptions", body)
                assert (status, said.get("points")) == (201, balance // PRICE * PRICE), said
            self.spent[code] = said["points"]

    def judge(self, supervisor: Client, inspector: Client) -> None:
        """A supervisor disagrees with cameras, an inspector with some of the supervisor's
        verdicts, and the supervisor insists; the first spender's deposits were all wrong.
        """
        for n, row in enumerate(self.deposits[5 :: len(self.deposits) // JUDGED]):
            said = "incorrect" if row["verdict"] != "incorrect" else "correct"
            self._say(supervisor, "supervisor", row, said)
            if n % 3 == 0:
                self._say(inspector, "inspector", row, "correct")
            if n % 6 == 0:
                self._say(supervisor, "supervisor", row, "incorrect")
        debtor = next(iter(self.spent))
        cards = {held["card"] for held in self.accounts[debtor]["cards"]}
        for row in self.deposits:
            if row["card"] in cards and row["verdict"] != "incorrect":
                self._say(supervisor, "supervisor", row, "incorrect")

    def mend_cards(self) -> None:
        """From the window's middle on some households live elsewhere, and some of the cards were
        lost: a neighbour's card, lost too, becomes theirs.
        """
        middle = self.days[len(self.days) // 2]
        homes = list(self.site.households)
        free = [
            c for c, a in self.accounts.items() if a["kind"] == "household" and c not in self.spent
        ]
        step = len(free) // (3 * MOVED)
        rows: list[tuple[object, ...]] = []
        for code in free[1 :: 3 * step][:MOVED]:
            held = self.accounts[code]["cards"][0]
            to = homes[(homes.index(held["community"]) + 7) % len(homes)]
            rows += self._moved(code, held, {**held, "from": middle, "community": to})
        for code, other in zip(free[step :: 3 * step], free[2 * step :: 3 * step], strict=False):
            lost, taken = self.accounts[code]["cards"][0], self.accounts[other]["cards"][0]
            rows += self._moved(code, lost, {**lost, "from": middle, "card": taken["card"]})
            taken["to"] = middle - timedelta(days=1)
            rows.append(self._row(other, taken))
        self._load(rows)

    def _moved(
        self, code: str, held: dict[str, Any], then: dict[str, Any]
    ) -> Iterator[tuple[object, ...]]:
        held["to"] = then["from"] - timedelta(days=1)
        self.accounts[code]["cards"].append(then)
        yield self._row(code, held)
        yield self._row(code, then)

    def _row(self, code: str, held: Mapping[str, Any]) -> tuple[object, ...]:
        kind = self.accounts[code]["kind"]
        return held["card"], kind, held["community"], held["from"], held["to"] or "", code

    def _load(self, rows: Sequence[tuple[object, ...]]) -> None:
        table = self.folder / "cards.csv"
        with table.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(("card", "kind", "community", "from", "to", "account"))
            out.writerows(rows)
        self.system.ask_api("accounts", "import", str(table))

    def _seen(self, delivery: FaultyDelivery) -> None:
        if delivery.refused:
            self.refused[delivery.device] = self.refused.get(delivery.device, 0) + delivery.refused
        for fact in delivery.kept:
            at = self.site.local(fact.at_us)
            if fact.seq is not None:
                self.messages.setdefault((fact.device, at.date(), at.hour), set()).add(fact.seq)
            if isinstance(fact, Deposit):
                self.deposits.append(self._deposit(fact, at.date()))

    def _deposit(self, fact: Deposit, day: date) -> dict[str, Any]:
        return {
            "device": fact.device,
            "door": fact.door,
            "at_us": fact.at_us,
            "card": fact.account,
            "category": self.site.category(fact.device, fact.door, day),
            "weight_g": fact.weight_g,
            "verdict": fact.verdict and fact.verdict.value,
            "judge": fact.judge and fact.judge.value,
            "item": fact.item and fact.item.value,
            "community": self.site.community(fact.device, day),
        }

    def _spenders(self) -> list[str]:
        """Households that put in much, by what was sent: they have something to spend."""
        code_of = {a["cards"][0]["card"]: c for c, a in self.accounts.items()}
        grams: dict[str, int] = {}
        for row in self.deposits:
            code = code_of.get(row["card"])
            if code and row["category"] == "kitchen" and row["verdict"] == "correct":
                grams[code] = grams.get(code, 0) + row["weight_g"]
        households = [c for c in grams if self.accounts[c]["kind"] == "household"]
        return sorted(households, key=lambda c: (-grams[c], c))[:SPENDERS]

    def _say(self, who: Client, judge: str, row: Mapping[str, Any], verdict: str) -> None:
        n = len(self.verdicts)
        body = {
            "id": f"verdict-{n:06}",
            "door": row["door"],
            "at": self.site.local(row["at_us"]).isoformat(timespec="microseconds"),
            "verdict": verdict,
            "why": "looked into the bag",
        }
        status, said = who.ask(f"devices/{row['device']}/verdicts", body)
        assert status == 201, said
        named = {key: row[key] for key in ("device", "door", "at_us")}
        self.verdicts.append({**named, "verdict": verdict, "judge": judge, "judged_at_us": n + 1})


def cheaters(fleet: Fleet) -> set[str]:
    """The cards of those who cheat."""
    places = fleet.registry.communities.values()
    return {card for place in places for card in people_of(fleet.seed, place).cheaters}
