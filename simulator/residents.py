"""The demo's residents: cards as accounts, rewards to spend points on, one who signs in."""

from __future__ import annotations

import json
import sys
import urllib.request
from datetime import date
from typing import Any

from simulator.fleet import Fleet
from simulator.households import Behaviour, people_of, write_accounts
from simulator.system import System

SINCE = date(2024, 1, 1)
REWARDS = (
    {"id": "tissues", "name": "抽纸一提", "name_en": "Tissues", "price": 100, "stock": 500},
    {"id": "bin-bags", "name": "垃圾袋一卷", "name_en": "Bin bags", "price": 60, "stock": 800},
    {"id": "rice", "name": "大米五斤", "name_en": "Rice, 2.5 kg", "price": 400, "stock": 120},
)


def open_accounts(system: System, fleet: Fleet) -> None:
    """Import the cards and offer rewards, once; settling books what the deposits earned."""
    done = system.folder / "accounts.csv"
    if done.exists():
        return
    print("导入账户 · importing accounts", file=sys.stderr)
    fresh = done.with_suffix(".new")
    with fresh.open("w", encoding="utf-8-sig", newline="") as file:
        write_accounts(fleet.registry, fleet.seed, SINCE, file)
    system.ask_api("accounts", "import", str(fresh))
    token = _office(system)
    for reward in REWARDS:
        _ask(system, token, "rewards", reward)
    fresh.replace(done)


def sign_in(system: System, fleet: Fleet) -> str:
    """A resident's card and a fresh one-time code, for a person to try the resident's page."""
    community = next(iter(fleet.registry.communities.values()))
    accounts = people_of(fleet.seed, community).accounts
    card = next(a.card for a in accounts if a.behaviour is Behaviour.STEADY)
    token = _office(system)
    found = _ask(system, token, f"accounts?card={card}")["accounts"]
    made = _ask(system, token, f"accounts/{found[0]['account']}/codes", {})
    return f"{system.api}/me  卡号 card {card}，一次性口令 one-time code {made['code']}"


def _office(system: System) -> str:
    kept = system.folder / "office.token"
    if not kept.exists():
        token = system.ask_api("token", "create", "--role", "office", "--name", "demo-office")
        kept.touch(mode=0o600)
        kept.write_text(token, encoding="utf-8")
    return kept.read_text(encoding="utf-8")


def _ask(system: System, token: str, path: str, body: object = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own API on the loopback
        f"{system.api}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the same
        return json.load(answer)
