"""The attack on points at the real gateway: one bin's credentials, eleven months told at once."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from simulator import run
from simulator.system import started
from smartbin.places.load import load
from tests.e2e.campaign import REWARD, Client
from tests.real import ROOT, patient_s

SITE = ROOT / "deploy/xinbei"
CARDS = {"K-1": "20000001", "K-2": "20000002", "K-3": "20000003"}
DAYS, MESSAGES = 320, 4
NEWEST_DAYS = 10  # old enough to be late, young enough not to be expired


def test_a_forged_history_gives_nobody_a_point_to_spend(tmp_path: Path) -> None:
    registry = load(SITE)
    now = datetime.now(registry.site.zone)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    events = [
        {"kind": "deposit", "at": (noon - timedelta(days=n, minutes=k)).isoformat(),
         "seq": 3 * n + k,
         "door": "kitchen", "weight_g": 10_000, "account": card, "verdict": "correct",
         "judge": "camera"}
        for n in range(NEWEST_DAYS + DAYS, NEWEST_DAYS, -1)
        for k, card in enumerate(CARDS)
    ]  # fmt: skip
    size = -(-len(events) // MESSAGES)
    with started(tmp_path, SITE, "auto") as system:
        office = Client(system, "office")
        cards = tmp_path / "cards.csv"
        rows = (f"{card},household,yicheng-haoting,2024-01-01,,{of}" for card, of in CARDS.items())
        cards.write_text("\n".join(["card,kind,community,from,to,account", *rows, ""]))
        system.ask_api("accounts", "import", str(cards))
        with run.buffered(system.broker, ["bin-001"]) as device:
            for start in range(0, len(events), size):
                body = {"events": events[start : start + size]}
                device.publish("smartbin/v1/xinbei/bin-001/batch", json.dumps(body).encode())
            device.drain()
            system.wait_received(MESSAGES)
        told = {of: _settled(office, of) for of in CARDS.values()}
        for of, account in told.items():
            assert (account["balance"], account["spendable"]) == (0, 0), of
            assert account["held"] > 4_000, of
        assert office.ask("rewards", REWARD)[0] == 200
        wish = {"request_id": "forged-0001", "reward": "soap", "quantity": 1}
        status, said = office.ask(f"accounts/{CARDS['K-1']}/redemptions", wish)
        assert (status, said["balance"]) == (409, 0)
        [waits] = office.get("held")["held"]
        assert (waits["device"], waits["deposits"], waits["cards"]) == ("bin-001", len(events), 3)
        print(  # noqa: T201 - the figure of docs/reliability.md
            f"{MESSAGES} messages, {len(events)} deposits of {DAYS} days for {len(CARDS)} cards: "
            f"0 points, {sum(a['held'] for a in told.values())} held, 1 row for the office"
        )
        decision = {
            "request_id": "forged-0002", "decision": "reject", "from": waits["from"],
            "to": waits["to"], "reason": "stolen credentials",
        }  # fmt: skip
        assert office.ask("held/bin-001/decisions", decision)[0] == 201
        system.ask_api("settle")
        for of in CARDS.values():
            account = office.get(f"accounts/{of}")
            assert (account["balance"], account["spendable"], account["held"]) == (0, 0, 0)


def _settled(office: Client, of: str) -> Any:
    """The account, once the API has settled what came."""
    deadline_s = time.monotonic() + patient_s(60)
    while time.monotonic() < deadline_s:
        account = office.get(f"accounts/{of}")
        window = {"from": datetime.now(UTC).date() - timedelta(days=390)}
        if account["held"] and not office.get(f"accounts/{of}/statement", **window)["unsettled"]:
            return account
        time.sleep(0.5)
    raise AssertionError(f"{of} is not settled in time")
