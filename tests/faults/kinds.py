"""The faults, by name. Each lasts about ``hold_s`` seconds and is over when it returns."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tests.broker.test_influx_faults import wait_s
from tests.faults.campaign import Fault
from tests.faults.plant import Plant
from tests.faults.proxy import Proxy

PARTS = ("mosquitto", "influx", "postgres", "gateway", "api")
LINKS = ("devices", "mosquitto", "influx", "postgres")
DELAY_S = 0.2


def killed(part: str, plant: Plant, hold_s: float) -> None:
    plant.kill(part)
    wait_s(hold_s / 2)
    plant.start(part)


def stopped(part: str, plant: Plant, hold_s: float) -> None:
    plant.send(part, signal.SIGSTOP)
    wait_s(hold_s)
    plant.send(part, signal.SIGCONT)


def relayed(link: str, act: Callable[[Proxy], None], plant: Plant, hold_s: float) -> None:
    act(plant.proxies[link])
    wait_s(hold_s)
    plant.proxies[link].mend()


def slowed(proxy: Proxy) -> None:
    proxy.delay_s = DELAY_S


def all_killed(order: Sequence[str], plant: Plant, hold_s: float) -> None:
    """Everything dies at once and comes back in this order."""
    for part in PARTS:
        plant.kill(part)
    for part in order:
        plant.start(part)


def restarts() -> Iterator[Fault]:
    """Every order of the five parts."""
    return (partial(all_killed, order) for order in itertools.permutations(PARTS))


FAULTS: dict[str, Fault] = {
    **{f"{part} killed": partial(killed, part) for part in PARTS},
    **{f"{part} stopped": partial(stopped, part) for part in PARTS},
    **{f"{link} connections cut": partial(relayed, link, Proxy.cut) for link in LINKS},
    **{f"{link} connections slow": partial(relayed, link, slowed) for link in LINKS},
    **{f"{link} connections half-open": partial(relayed, link, Proxy.vanish) for link in LINKS},
}
