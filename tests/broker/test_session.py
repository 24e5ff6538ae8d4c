"""The gateway's session on a real Mosquitto with the shipped configuration."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gateway.backoff import Backoff
from gateway.broker import SessionMemory, broker_of
from gateway.delivery import Delivery
from gateway.mqtt import BrokerSession, SessionTaken
from tests.broker.devices import publishing
from tests.real import Mosquitto, patient_s, until

FILTER = "smartbin/v1/testsite/+/+"
TOPIC = "smartbin/v1/testsite/bin-001/deposit"


def session_at(
    broker: Mosquitto, tmp_path: Path, *filters: str, client_id: str = "gateway"
) -> BrokerSession:
    return BrokerSession(
        broker_of(broker.url, client_id),
        filters or (FILTER,),
        SessionMemory(tmp_path / "session.json", client_id),
        Backoff(0.02, 0.2, random.Random(1)),
    )


@contextmanager
def subscribed(
    broker: Mosquitto, tmp_path: Path, *filters: str, client_id: str = "gateway"
) -> Iterator[BrokerSession]:
    with closing(session_at(broker, tmp_path, *filters, client_id=client_id)) as session:
        settle(session)
        yield session


def settle(session: BrokerSession) -> None:
    def ready() -> bool:
        session.idle(0.01)
        return session.problem is None

    until(ready, "subscribed")


def receive(session: BrokerSession, number: int, batch_max: int = 100) -> list[Delivery]:
    got: list[Delivery] = []

    def enough() -> bool:
        got.extend(session.receive(batch_max, 0.1))
        return len(got) >= number

    until(enough, f"{number} messages come, {len(got)} came")
    return got


def numbered(first: int, number: int) -> list[tuple[str, bytes]]:
    return [(TOPIC, b"%d" % n) for n in range(first, first + number)]


def test_what_is_not_acknowledged_comes_again(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with publishing(mosquitto) as devices:
        with subscribed(mosquitto, tmp_path) as session:
            devices.send(numbered(0, 300))
            got = receive(session, 300)
            assert [d.payload for d in got] == [b"%d" % n for n in range(300)]
            session.ack(got[:100])
        devices.send(numbered(300, 50))
        with subscribed(mosquitto, tmp_path) as session:
            again = receive(session, 250)
            assert {d.payload for d in again} == {b"%d" % n for n in range(100, 350)}
            session.ack(again)
        with subscribed(mosquitto, tmp_path) as session:
            assert [(d.payload, d.packet_id) for d in session.receive(1000, 0.3)] == []


def test_an_acknowledgement_of_a_lost_connection_is_dropped(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with publishing(mosquitto) as devices, subscribed(mosquitto, tmp_path) as session:
        devices.send(numbered(0, 5))
        old = receive(session, 5)
        session.close()
        settle(session)
        receive(session, 5)  # the same packet ids, on the connection that now stands
        session.ack(old)
        session.close()
        settle(session)
        assert len(receive(session, 5)) == 5


def test_retained_messages_say_so(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with publishing(mosquitto) as devices:
        devices.send([(TOPIC, b"old")], retain=True)
        with subscribed(mosquitto, tmp_path) as session:
            assert [(d.payload, d.retained) for d in receive(session, 1)] == [(b"old", True)]
            devices.send([(TOPIC, b"new")])
            assert [(d.payload, d.retained) for d in receive(session, 1)] == [(b"new", False)]


def test_a_batch_is_bounded(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with publishing(mosquitto) as devices, subscribed(mosquitto, tmp_path) as session:
        devices.send(numbered(0, 90))
        session.idle(0.2)
        assert len(session.receive(40, 1)) == 40
        devices.send([(TOPIC, b"x" * 200_000) for _ in range(9)])
        session.idle(0.2)
        assert sum(len(d.payload) for d in session.receive(1000, 1)) < 1_300_000


def test_the_connection_lives_while_a_store_is_down(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with publishing(mosquitto) as devices, subscribed(mosquitto, tmp_path) as session:
        devices.send(numbered(0, 10))
        got = receive(session, 10)
        devices.send(numbered(10, 10))
        session.idle(0.3)
        assert session.connects == 1
        assert len(receive(session, 10)) == 10
        session.ack(got)


def test_the_broker_restarts(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with publishing(mosquitto) as devices, subscribed(mosquitto, tmp_path) as session:
        devices.send(numbered(0, 20))
        receive(session, 20)
        mosquitto.stop()
        session.idle(0.1)
        assert "cannot reach the broker" in str(session.problem) or "ended" in str(session.problem)
        mosquitto.start()
        settle(session)
        again = receive(session, 20)
        assert {d.payload for d in again} == {b"%d" % n for n in range(20)}


def test_what_is_no_longer_configured_is_unsubscribed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with subscribed(mosquitto, tmp_path, "smartbin/v1/oldsite/+/+"):
        pass
    with publishing(mosquitto) as devices, subscribed(mosquitto, tmp_path) as session:
        known = tmp_path / "session.json"
        until(
            lambda: session.idle(0.01) or json.loads(known.read_text()) == {"gateway": [FILTER]},  # type: ignore[func-returns-value]
            "the old subscription is gone",
        )
        devices.send([("smartbin/v1/oldsite/bin-001/deposit", b"old"), *numbered(0, 1)])
        assert [d.payload for d in receive(session, 1)] == [b"0"]


def test_two_gateways_under_one_client_id(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Exactly one gives up, and says why; the other goes on."""
    lost: list[str] = []
    done = threading.Event()

    def run(name: str) -> None:
        session = session_at(mosquitto, tmp_path / name)
        with closing(session):
            try:
                while not done.is_set():
                    session.receive(10, 0.05)
            except SessionTaken as error:
                lost.append(str(error))

    threads = [threading.Thread(target=run, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    until(lambda: bool(lost), "one of the two gives up")
    until(lambda: sum(t.is_alive() for t in threads) == 1, "the other one goes on")
    done.wait(1.5)
    done.set()
    for thread in threads:
        thread.join(patient_s(10))
    assert len(lost) == 1
    assert "SMARTBIN_MQTT_CLIENT_ID" in lost[0]


def test_a_shared_subscription_splits_the_work(mosquitto: Mosquitto, tmp_path: Path) -> None:
    share = f"$share/gateway/{FILTER}"
    with (
        publishing(mosquitto) as devices,
        subscribed(mosquitto, tmp_path, share, client_id="a") as one,
        subscribed(mosquitto, tmp_path, share, client_id="b") as two,
    ):
        devices.send(numbered(0, 100))
        one.idle(0.2)
        two.idle(0.2)
        mine, yours = one.receive(100, 1), two.receive(100, 1)
        assert len(mine) + len(yours) == 100
        assert len(mine) > 10
        assert len(yours) > 10


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_any_quality_of_service_is_taken(mosquitto: Mosquitto, tmp_path: Path, qos: int) -> None:
    import paho.mqtt.publish as once

    with subscribed(mosquitto, tmp_path) as session:
        once.single(TOPIC, b"hello", qos=qos, hostname="127.0.0.1", port=mosquitto.port)
        (got,) = receive(session, 1)
        assert (got.payload, got.packet_id > 0) == (b"hello", qos > 0)
        session.ack([got])
