"""Every community's figures and every account's points after harsh faults, verdicts, moves and
lost cards, against oracles that share no code with what they check.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from math import isclose
from pathlib import Path
from typing import Any

from simulator.fleet import Fleet
from simulator.system import started
from smartbin.core import calendar
from smartbin.places.load import load
from tests.e2e.campaign import Campaign, Client, cheaters
from tests.oracle import figures as oracle
from tests.oracle import points
from tests.real import ROOT

DAYS = int(os.environ.get("SMARTBIN_TEST_POINTS_DAYS", "2"))  # 30 for the long run
Published = dict[tuple[str, date], tuple[int, dict[str, dict[str, int]]]]  # revision, counts
SITE = ROOT / "deploy/xinbei"
SHOWN = 20  # of those who moved, so many statements are read line by line


def test_figures_and_points_are_what_was_deposited(tmp_path: Path) -> None:
    registry = load(SITE)
    today = calendar.day_of(calendar.to_us(datetime.now(UTC)), registry.site.zone)
    days = [today - timedelta(days=n) for n in range(DAYS, 0, -1)]
    bounds_us = (calendar.start_us(day, registry.site.zone) for day in (days[0], today))
    with started(tmp_path, _spent_at_once(tmp_path), "auto") as system:
        fleet = Fleet(registry, 5)
        played = Campaign(system, fleet, oracle.Site(SITE), days, tmp_path)
        played.open_accounts()
        office, supervisor = Client(system, "office"), Client(system, "supervisor")
        played.send(*bounds_us)
        played.settle()
        before = _published(played, office, _facts(played), None)
        played.spend(office)
        played.judge(supervisor, office)
        played.mend_cards()
        played.settle()
        facts = _facts(played)
        _published(played, office, facts, before)
        wanted = _points(played, office)
        _statements(played, office, wanted)
        _figures(played, office, facts, today)
        _rankings(played, office, facts)
        print(  # noqa: T201 - what a long run is read for
            f"{DAYS} days: {len(played.deposits):,} deposits, "
            f"{sum(played.refused.values()):,} messages refused, {len(played.verdicts):,} "
            f"verdicts; {len(wanted):,} accounts with {sum(wanted.values()):,} points and "
            f"{len(played.site.households)} communities as the oracles have them"
        )
        assert any(
            wanted[code]
            for code, account in played.accounts.items()
            if account["cards"][0]["card"] in cheaters(fleet)
        ), "cheaters were among them"


def _spent_at_once(folder: Path) -> Path:
    """The site, where points need not wait: the campaign spends on the day on which it earns."""
    site = folder / "site"
    shutil.copytree(SITE, site)
    tariff = (site / "tariff.toml").read_text(encoding="utf-8")
    assert "spend_delay_days = 1 " in tariff
    tariff = tariff.replace("spend_delay_days = 1 ", "spend_delay_days = 0 ")
    (site / "tariff.toml").write_text(tariff, encoding="utf-8")
    return site


def _facts(played: Campaign) -> oracle.Facts:
    accounts = {code: {**a, "cards": [dict(c) for c in a["cards"]]} for code, a in
                played.accounts.items()}  # fmt: skip
    return oracle.Facts(
        played.site, played.days, played.deposits, played.messages, accounts,
        list(played.verdicts),
    )  # fmt: skip


def _points(played: Campaign, office: Client) -> dict[str, int]:
    """Every balance is what the rules give for the deposits, less what was spent."""
    rows = [row for row in played.deposits if row["card"]]
    tariff = tomllib.loads((SITE / "tariff.toml").read_text(encoding="utf-8"))
    wanted = points.oracle(rows, played.accounts, tariff, played.verdicts)
    told: dict[str, int] = {}
    query: dict[str, str] | None = {}
    while query is not None:
        page = office.get("accounts", **query)
        told |= {row["account"]: row["balance"] for row in page["accounts"]}
        query = page["next"] and {"cursor": page["next"]}
    due = {code: given - played.spent.get(code, 0) for code, given in wanted.items()}
    some = office.get(f"accounts/{next(iter(due))}")
    assert (some["spendable"], some["held"]) == (max(0, some["balance"]), 0)
    differ = {code for code in due if told.get(code) != due[code]}
    assert not differ, [(code, told.get(code), due[code]) for code in sorted(differ)[:10]]
    assert set(told) == set(due)
    assert sum(wanted.values()) > 10_000
    return wanted


def _statements(played: Campaign, office: Client, wanted: Mapping[str, int]) -> None:
    """Of those who spent or moved: deposit by deposit as by the rules, and it adds up."""
    tariff = tomllib.loads((SITE / "tariff.toml").read_text(encoding="utf-8"))
    moved = [code for code, account in played.accounts.items() if len(account["cards"]) > 1]
    some = {code: played.accounts[code] for code in [*played.spent, *moved[:SHOWN]]}
    cards = {held["card"] for account in some.values() for held in account["cards"]}
    rows = [row for row in played.deposits if row["card"] in cards]
    explained = points.explain(rows, some, tariff, played.verdicts)
    window = {"from": played.days[0], "to": played.days[-1] + timedelta(days=1)}
    for code, outcomes in explained.items():
        told = office.get(f"accounts/{code}/statement", **window)
        lines = [line for line in told["lines"][::-1] if line["kind"] == "deposit"]
        assert [line["points"] for line in lines] == [o.points for o in outcomes], code
        total = told["opening"] + sum(line["points"] for line in told["lines"])
        assert total == told["closing"] == told["balance"], code
        assert told["balance"] == wanted[code] - played.spent.get(code, 0), code
    debtor = next(iter(played.spent))
    told = office.get(f"accounts/{debtor}/statement", **window)
    assert told["balance"] < 0, "what was spent is not taken back"
    assert f"The balance is {told['balance']}" in told["notes"][-1]["en"].replace(
        "After a correction the", "The"
    )
    body = {"request_id": "again-0001", "reward": "soap", "quantity": 1}
    status, said = office.ask(f"accounts/{debtor}/redemptions", body)
    assert (status, said["balance"]) == (409, told["balance"]), said


def _published(
    played: Campaign, office: Client, facts: oracle.Facts, earlier: Published | None
) -> Published:
    """Each past day's counts are published; what verdicts changed on one, its later revisions
    say. (How many there are is chance: the API publishes too, also while data come.)
    """
    played.system.ask_api("publish")
    window = {"from": played.days[0], "to": played.days[-1]}
    shown: Published = {}
    for community in played.site.households:
        rows = office.get(f"communities/{community}/revisions", **window)["revisions"]
        for day in played.days:
            own = [row for row in rows if row["day"] == day.isoformat()]
            now = _by_kind(oracle.figures(facts, community, [day]))
            newest = max(own, key=lambda row: row["revision"])
            assert newest["figures"] == now, (community, day)
            shown[community, day] = newest["revision"], now
            if earlier is None:
                continue
            number, before = earlier[community, day]
            assert (newest["revision"] > number) == (now != before), (community, day)
            for kind, counts in now.items():
                changed = [r["changed"].get(kind, {}) for r in own if r["revision"] > number]
                for name, count in counts.items():
                    more = sum(names.get(name, 0) for names in changed)
                    assert more == count - before[kind][name], (community, day, kind, name)
    return shown


def _by_kind(figures: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    names = ("deposits", "weight_g", "judged", "correct")
    return {k: {n: one[n] for n in names} for k, one in figures["by_category"].items()}


def _figures(played: Campaign, office: Client, facts: oracle.Facts, today: date) -> None:
    """Each community by day and in all, its items, its households, what is missing."""
    window = {"from": played.days[0], "to": played.days[-1]}
    for community in played.site.households:
        told = office.get(f"communities/{community}/sorting", **window, every="day")
        _same(told["total"], oracle.figures(facts, community, played.days), community)
        assert len(told["days"]) == len(played.days)
        for row, day in zip(told["days"], played.days, strict=True):
            _same(row, oracle.figures(facts, community, [day]), f"{community} {day}")
        for item, (deposits, weight_g, share) in oracle.focus(facts, community).items():
            one = told["focus"][item]
            assert (one["deposits"], one["weight_g"]) == (deposits, weight_g), (community, item)
            _close(one["share"] and one["share"]["value"], share, f"{community} {item}")
        assert told["missing_messages"] == oracle.missing_messages(facts, community), community
        assert told["silent_devices"] == []
        _participation(community, office, facts, window)
        arrived = {"from": today, "to": today + timedelta(days=1), "every": "total"}
        refused = office.get(f"communities/{community}/sorting", **arrived)["quarantined"]
        bins = played.site.bins_of(community, played.days[-1])
        assert refused == sum(played.refused.get(device, 0) for device in bins), community


def _participation(
    community: str, office: Client, facts: oracle.Facts, window: Mapping[str, object]
) -> None:
    told = office.get(f"communities/{community}/participation", **window)
    wanted = oracle.participation(facts, community)
    for name in ("households", "accounts", "took_part", "regular", "deposits"):
        assert told[name] == wanted[name], (community, name)
    for name in ("participation", "regular_participation"):
        _rate(told[name], wanted[name], f"{community} {name}")


def _rankings(played: Campaign, office: Client, facts: oracle.Facts) -> None:
    window = {"from": played.days[0], "to": played.days[-1]}
    every = {c: oracle.figures(facts, c, played.days) for c in played.site.households}
    by_times = {
        "accuracy": {c: f["accuracy"] for c, f in every.items()},
        "participation": {c: oracle.participation(facts, c)["participation"] for c in every},
    }
    for by, rates in by_times.items():
        told = office.get("communities/ranking", **window, by=by)
        for row in told["ranks"]:
            _rate(row, rates[row["community"]], f"{by} {row['community']}")
        assert {r["community"]: r["rank"] for r in told["ranks"]} == oracle.ranks(rates), by
    by_weight = {
        "kitchen_separation": {c: f["kitchen_separation"] for c, f in every.items()},
        "weight_per_household": {
            c: f["weight_g"] / (played.site.households[c] * len(played.days))
            for c, f in every.items()
        },
    }
    for by, values in by_weight.items():
        told = office.get("communities/ranking", **window, by=by)
        assert len(told["ranks"]) == len(values)
        for row in told["ranks"]:
            _close(row["value"], values[row["community"]], f"{by} {row['community']}")


def _same(told: Mapping[str, Any], wanted: Mapping[str, Any], where: str) -> None:
    """One window's figures, all of them."""
    for name in ("deposits", "weight_g", "judged", "correct"):
        assert told[name] == wanted[name], (where, name)
    _rate(told["accuracy"], wanted["accuracy"], where)
    _close(told["completeness"], wanted["completeness"], f"{where} completeness")
    for name in ("kitchen_separation", "kitchen_of_all", "diversion"):
        _close(told[name] and told[name]["value"], wanted[name], f"{where} {name}")
    for kind, one in wanted["by_category"].items():
        part = told["by_category"][kind]
        for name in ("deposits", "weight_g", "judged", "correct"):
            assert part[name] == one[name], (where, kind, name)
        _close(part["share"], one["share"], f"{where} {kind} share")
        _rate(part["accuracy"], one["accuracy"], f"{where} {kind}")


def _rate(told: Mapping[str, Any] | None, wanted: oracle.Rate | None, where: str) -> None:
    assert (told is None) == (wanted is None), where
    if told and wanted:
        assert told["n"] == wanted[3], where
        for name, value in zip(("value", "low", "high"), wanted, strict=False):
            _close(told[name], value, f"{where} {name}")


def _close(told: float | None, wanted: float | None, where: str) -> None:
    assert (told is None) == (wanted is None), (where, told, wanted)
    if told is not None and wanted is not None:
        assert isclose(told, wanted, rel_tol=1e-9, abs_tol=1e-9), (where, told, wanted)
