"""Crews tell what they did: nothing twice, nothing lost, conflicts shown."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from smartbin.collection.photos import clean
from smartbin.core import calendar
from smartbin.core.errors import BadInput
from smartbin.facts.events import Category, Collection, LevelReading
from smartbin.people.principals import Role
from smartbin.people.tokens import Tokens
from tests.api.client import NOON_US, Api
from tests.places.small import SHANGHAI

MINUTE_US = 60 * calendar.US_PER_S


def picture(width: int = 400, height: int = 300, exif: Image.Exif | None = None) -> bytes:
    """A JPEG as a phone takes it: another colour in each quarter."""
    image = Image.new("RGB", (width, height), "white")
    image.paste("red", (0, 0, width // 2, height // 2))
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif or Image.Exif())
    return written.getvalue()


PHOTO = picture()


def stamp(minute: int) -> str:
    return (calendar.from_us(NOON_US, SHANGHAI) + timedelta(minutes=minute)).isoformat()


class Phone:
    """A crew's phone."""

    def __init__(self, api: Api, name: str = "", category: str = "kitchen") -> None:
        token = (
            Tokens(api.parts.database).create(name, Role.CREW) if name else api.tokens[Role.CREW]
        )
        self.api, self.headers = api, {"Authorization": f"Bearer {token}"}
        self.round = str(uuid4())
        self.begin = {"id": self.round, "category": category, "started_at": stamp(-120)}
        assert self.post("", self.begin).status_code == 200

    def post(self, path: str, body: Any) -> Any:
        return self.api.client.post(f"/api/v1/rounds{path}", json=body, headers=self.headers)

    def tell(self, *emptyings: dict[str, Any]) -> list[tuple[str, str | None]]:
        answer = self.post(f"/{self.round}/emptyings", {"emptyings": list(emptyings)})
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [r["id"] for r in results] == [e["id"] for e in emptyings]
        return [(r["outcome"], r["reason"]) for r in results]


def emptied(minute: int, device: str = "bin-001", **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "device": device,
        "door": "kitchen",
        "at": stamp(minute),
        "weight_g": 8_200,
        **more,
    }


def listed(api: Api, query: str = "", role: Role = Role.OFFICE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"collections{query}", role)["collections"]
    return found


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+02:02", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_no_calendar_has_is_refused_before_it_is_kept(api: Api, at: str) -> None:
    phone = Phone(api)
    begun = {"id": str(uuid4()), "category": "kitchen", "started_at": at}
    assert phone.post("", begun).status_code == 422
    answer = phone.post(f"/{phone.round}/emptyings", {"emptyings": [{**emptied(-5), "at": at}]})
    assert answer.status_code == 422
    assert len(api.get("rounds", Role.OFFICE)["rounds"]) == 1
    never_set = {**emptied(-5), "at": "1970-01-01T00:00:00+00:00"}
    assert phone.tell(never_set) == [("conflict", "too_old")]
    assert api.get(f"rounds/{phone.round}", Role.OFFICE)["emptyings"]


def test_three_emptyings_sent_twice_are_three(api: Api) -> None:
    phone = Phone(api)
    told = [emptied(-60), emptied(-40, "bin-002"), emptied(-10, "point-01")]
    for _ in range(2):
        assert phone.tell(*told) == [("kept", None)] * 3
        assert phone.post("", phone.begin).status_code == 200
    assert [(row["device"], row["source"]) for row in listed(api)] == [
        ("point-01", "crew"),
        ("bin-002", "crew"),
        ("bin-001", "crew"),
    ]
    assert listed(api)[2]["weight_g"] == 8_200


def test_two_phones_at_one_stop_are_one_emptying(api: Api) -> None:
    one, other = Phone(api, "truck-1"), Phone(api, "truck-2")
    assert one.tell(emptied(-20)) == [("kept", None)]
    assert other.tell(emptied(-12, weight_g=None)) == [("known", None)]
    (row,) = listed(api)
    assert (row["crews"], row["source"], row["weight_g"]) == (["truck-1", "truck-2"], "crew", 8_200)


def test_what_the_bin_reported_and_a_person_confirmed_is_one_emptying(api: Api) -> None:
    phone = Phone(api)
    api.writer.append([Collection("bin-001", "kitchen", NOON_US - 30 * MINUTE_US, 9_000, 1_500)])
    assert phone.tell(emptied(-25)) == [("known", None)]
    assert phone.tell(emptied(-20, "bin-002")) == [("kept", None)]
    api.writer.append([Collection("bin-002", "kitchen", NOON_US - 22 * MINUTE_US, 7_000, 1_500)])
    api.writer.append([Collection("bin-002", "residual", NOON_US - 60 * MINUTE_US, 5_000, 1_500)])
    assert [(r["device"], r["door"], r["source"], r["weight_g"]) for r in listed(api)] == [
        ("bin-002", "kitchen", "both", 5_500),
        ("bin-001", "kitchen", "both", 7_500),
        ("bin-002", "residual", "bin", 3_500),
    ]


def test_what_cannot_be_right_is_shown_and_counts_for_nothing(api: Api) -> None:
    phone = Phone(api)
    kept = emptied(-60)
    assert phone.tell(kept) == [("kept", None)]
    assert phone.tell(
        emptied(-5, door="attic"),
        emptied(-5, door="residual"),
        emptied(30),
        emptied(-60 * 24 * 40),
        {**kept, "weight_g": 1},
        emptied(-5, "bin-002"),
    ) == [
        ("conflict", "unknown_door"),
        ("conflict", "other_category"),
        ("conflict", "future"),
        ("conflict", "too_old"),
        ("conflict", "id_used"),
        ("kept", None),
    ]
    assert len(listed(api)) == 2
    whole = api.get(f"rounds/{phone.round}", Role.OFFICE)
    assert len(whole["emptyings"]) == 6  # nothing that a phone told is thrown away


def test_a_round_is_begun_and_ended_once_and_the_office_sees_all_of_it(api: Api) -> None:
    phone = Phone(api, "truck-1")
    done = emptied(-60)
    phone.tell(done)
    problem = {
        "id": str(uuid4()),
        "device": "bin-001",
        "door": "residual",
        "at": stamp(-50),
        "kind": "damaged",
        "note": "投口打不开",
    }
    for _ in range(2):
        answer = phone.post(f"/{phone.round}/problems", {"problems": [problem]})
        assert answer.json()["results"] == [
            {"id": problem["id"], "outcome": "kept", "reason": None}
        ]
    changed = phone.post(f"/{phone.round}/problems", {"problems": [{**problem, "note": "x"}]})
    assert changed.json()["results"][0]["outcome"] == "conflict"
    skipped = [{"device": "bin-002", "door": "kitchen", "reason": "closed"}]
    for _ in range(2):
        ended = {"ended_at": stamp(-5), "skipped": skipped}
        assert phone.post(f"/{phone.round}/end", ended).status_code == 200
    (row,) = api.get("rounds", Role.OFFICE)["rounds"]
    assert (row["crew"], row["category"], row["ended_at"]) == ("truck-1", "kitchen", stamp(-5))
    whole = api.get(f"rounds/{phone.round}", Role.OFFICE)
    assert [one["id"] for one in whole["emptyings"]] == [done["id"]]
    assert [one["note"] for one in whole["problems"]] == ["投口打不开"]
    assert whole["skipped"] == skipped
    other = Phone(api, "truck-2")
    path = f"/api/v1/rounds/{phone.round}"
    assert api.client.get(path, headers=other.headers).status_code == 403
    again = {**phone.begin, "category": "residual"}
    assert phone.post("", again).json()["type"] == "urn:smartbin:problem:id-used"


def test_what_a_phone_noted_arrives_whoever_holds_it_by_then(api: Api) -> None:
    phone, other = Phone(api, "truck-1"), Phone(api, "truck-2")
    told = emptied(-60)
    assert phone.tell(told) == [("kept", None)]
    other.round = phone.round
    assert other.post(f"/{phone.round}/takeover", {}).status_code == 204
    assert other.tell(told, emptied(-20)) == [("kept", None)] * 2


def test_a_photo_is_kept_once_and_only_a_jpeg_of_a_bounded_size(api: Api) -> None:
    phone = Phone(api)
    told = emptied(-60)
    path = f"/api/v1/rounds/{phone.round}/emptyings/{told['id']}/photo"

    def put(body: bytes) -> int:
        headers = {**phone.headers, "Content-Type": "image/jpeg"}
        status: int = api.client.put(path, content=body, headers=headers).status_code
        return status

    assert put(PHOTO) == 404
    phone.tell(told)
    for bad in (b"<svg onload=alert(1)>", b"\xff\xd8\xff\xe0" + b"x" * 500, PHOTO[:-400], b""):
        assert put(bad) == 422
    assert put(PHOTO + b"x" * 300_000) == 413
    assert put(PHOTO + b"<script>alert(1)</script>" * 1_000) == 204
    assert put(picture(40, 40)) == 204  # told again: the first stays
    shown = api.client.get(path, headers=api.as_(Role.OFFICE))
    assert shown.headers["content-type"] == "image/jpeg"
    assert b"script" not in shown.content
    assert Image.open(io.BytesIO(shown.content)).size == (400, 300)
    assert api.get(f"rounds/{phone.round}", Role.OFFICE)["emptyings"][0]["photo"] is True


def test_a_photo_is_upright_small_and_tells_no_place() -> None:
    exif = Image.Exif()
    exif[274] = 6  # held upright: turn it by 90 degrees
    exif[0x010F] = "maker"
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    shown = Image.open(io.BytesIO(clean(picture(4_000, 3_000, exif))))
    assert (shown.format, shown.size) == ("JPEG", (1_200, 1_600))
    assert not shown.getexif()
    assert set(shown.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert shown.getpixel((1_000, 100)) == pytest.approx((254, 0, 0), abs=4)


def test_a_photo_of_few_bytes_and_many_pixels_fills_no_memory() -> None:
    bomb = picture(8_000, 6_000)
    assert len(bomb) < 1_000_000
    with pytest.raises(BadInput, match="8000 x 6000 pixels; send at most 40 million"):
        clean(bomb)


@pytest.mark.parametrize("side", [9_000, 12_000, 65_000])
def test_a_photo_that_claims_any_size_is_refused_not_an_error(side: int) -> None:
    photo = picture()
    size = photo.index(b"\xff\xc0") + 5  # behind the frame's marker, length and precision
    claimed = photo[:size] + side.to_bytes(2) * 2 + photo[size + 4 :]
    with pytest.raises(BadInput, match="photo: "):
        clean(claimed)


def test_another_crews_round_is_not_mine_until_i_take_it_over(api: Api) -> None:
    phone, other = Phone(api, "truck-1"), Phone(api, "truck-2")
    mine = emptied(-60)
    phone.tell(mine)
    path = f"/api/v1/rounds/{phone.round}"
    problem = {"id": str(uuid4()), "device": "bin-001", "door": "kitchen", "at": stamp(-5)}
    attempts: dict[str, Any] = {
        f"{path}/emptyings": {"emptyings": [emptied(-20)]},
        f"{path}/problems": {"problems": [{**problem, "kind": "other", "note": "x"}]},
        f"{path}/end": {"ended_at": stamp(-5), "skipped": []},
    }

    def refused() -> list[str]:
        answers = [
            api.client.post(to, json=body, headers=other.headers) for to, body in attempts.items()
        ]
        photo = {**other.headers, "Content-Type": "image/jpeg"}
        to = f"{path}/emptyings/{mine['id']}/photo"
        answers.append(api.client.put(to, content=PHOTO, headers=photo))
        answers.append(api.client.get(path, headers=other.headers))
        return [a.json()["type"].rpartition(":")[2] for a in answers if a.status_code == 403]

    assert refused() == ["not-your-round"] * 5
    whole = api.get(f"rounds/{phone.round}", Role.OFFICE)
    assert (len(whole["emptyings"]), whole["problems"], whole["ended_at"]) == (1, [], None)
    assert not whole["emptyings"][0]["photo"]
    begun = api.client.post("/api/v1/rounds", json=phone.begin, headers=other.headers)
    assert begun.json()["type"].rpartition(":")[2] == "id-used"

    for _ in range(2):
        assert other.post(f"/{phone.round}/takeover", {}).status_code == 204
    assert refused() == []
    whole = api.get(f"rounds/{phone.round}", Role.OFFICE)
    assert whole["crew"] == "truck-1"  # begun by them
    assert [one["crew"] for one in whole["taken_over"]] == ["truck-2"]
    assert phone.tell(mine) == [("kept", None)]
    assert other.post(f"/{uuid4()}/takeover", {}).status_code == 404


def test_an_unknown_round_and_too_much_at_once_are_refused(api: Api) -> None:
    phone = Phone(api)
    answer = phone.post(f"/{uuid4()}/emptyings", {"emptyings": [emptied(-5)]})
    assert (answer.status_code, answer.json()["type"]) == (
        404,
        "urn:smartbin:problem:unknown-round",
    )
    many = {"emptyings": [emptied(-5) for _ in range(101)]}
    assert phone.post(f"/{phone.round}/emptyings", many).status_code == 422


def test_collections_are_of_ones_own_community_and_filtered(api: Api) -> None:
    phone = Phone(api)
    phone.tell(emptied(-60), emptied(-40, "bin-002"))
    assert [row["community"] for row in listed(api, role=Role.COMMUNITY)] == ["oak"]
    assert [row["device"] for row in listed(api, "?community=elm")] == ["bin-002"]
    assert [row["device"] for row in listed(api, "?device=bin-001")] == ["bin-001"]
    assert listed(api, f"?category={Category.RESIDUAL}") == []
    text = api.client.get("/api/v1/collections?format=csv", headers=api.as_(Role.OFFICE)).text
    assert text.splitlines()[0].endswith("weight_g,source,crews,rounds")
    assert len(text.splitlines()) == 3


def test_pages_of_collections_hold_each_emptying_once(api: Api) -> None:
    phone = Phone(api)
    phone.tell(*(emptied(-60 * hour) for hour in range(1, 8)))
    api.writer.append(
        [
            Collection("bin-001", "kitchen", NOON_US - (hour * 60 - 3) * MINUTE_US, 9_000, 1_000)
            for hour in range(1, 8)
        ]
    )
    seen, query = [], "?limit=3"
    while query:
        page = api.get(f"collections{query}", Role.OFFICE)
        seen += [(row["at"], row["source"]) for row in page["collections"]]
        query = f"?limit=3&cursor={page['next']}" if page["next"] else ""
    assert seen == [(row["at"], "both") for row in listed(api)]
    assert len(seen) == 7


def test_who_comes_second_sees_that_a_full_door_was_emptied(api: Api) -> None:
    def shown() -> tuple[str, str | None, str | None]:
        (door,) = [
            d for d in api.get("bins/full?category=kitchen")["doors"] if d["device"] == "bin-001"
        ]
        return door["state"], door["confirmed_at"], door["confirmed_by"]

    api.writer.append([LevelReading("bin-001", "kitchen", NOON_US - 20 * MINUTE_US, 90)])
    assert shown() == ("full", None, None)
    Phone(api, "truck-1").tell(emptied(-5))
    assert shown() == ("full", stamp(-5), "truck-1")
    api.writer.append([LevelReading("bin-001", "kitchen", NOON_US - MINUTE_US, 91)])
    assert shown() == ("full", None, None)  # the sensor has the last word
