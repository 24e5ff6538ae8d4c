"""The office makes users and tokens; nobody gives more than they have."""

from __future__ import annotations

from smartbin.people.tokens import Role
from tests.api.client import PAGE, Api

SECRET = "four quiet lorries"


def sign_in(api: Api, name: str, password: str = SECRET) -> int:
    body = {"name": name, "password": password}
    return api.client.post("/api/v1/session", json=body, headers=PAGE).status_code


def post(api: Api, path: str, body: dict[str, str], role: Role = Role.OFFICE) -> int:
    return api.client.post(f"/api/v1/{path}", json=body, headers=api.as_(role)).status_code


def test_the_office_makes_a_crew_that_signs_in_until_it_is_disabled(api: Api) -> None:
    new = {"name": "li.wei", "role": "crew", "password": SECRET}
    assert post(api, "users", new) == 201
    assert post(api, "users", new) == 409  # the name is taken
    assert sign_in(api, "li.wei") == 200
    easy = post(api, "users/li.wei/password", {"password": "li.weili.wei"})
    assert easy == 422
    assert post(api, "users/li.wei/disable", {}) == 204
    assert sign_in(api, "li.wei") == 401
    assert post(api, "users/li.wei/enable", {}) == 204
    assert post(api, "users/li.wei/password", {"password": "another quiet lorry"}) == 204
    assert sign_in(api, "li.wei", "another quiet lorry") == 200
    (row,) = api.get("users", Role.OFFICE)["users"]
    assert (row["name"], row["role"], row["disabled"], row["mine"]) == (
        "li.wei",
        "crew",
        None,
        True,
    )
    assert SECRET not in str(row)


def test_only_an_admin_makes_or_touches_the_office(api: Api) -> None:
    new = {"name": "zhao.min", "role": "office", "password": SECRET}
    assert post(api, "users", new) == 403
    assert post(api, "users", new, Role.ADMIN) == 201
    assert post(api, "users/zhao.min/password", {"password": "another quiet lorry"}) == 403
    assert post(api, "users/zhao.min/disable", {}) == 403
    assert [user["mine"] for user in api.get("users", Role.OFFICE)["users"]] == [False]
    assert post(api, "tokens", {"name": "all", "role": "admin"}) == 403
    answer = api.client.delete("/api/v1/tokens/admin", headers=api.as_(Role.OFFICE))
    assert answer.status_code == 403
    assert post(api, "users/nobody/disable", {}) == 404


def test_a_token_is_seen_once_and_is_nobodys_after_it_was_revoked(api: Api) -> None:
    answer = api.client.post(
        "/api/v1/tokens", json={"name": "truck", "role": "crew"}, headers=api.as_(Role.OFFICE)
    )
    bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert api.client.get("/api/v1/bins/full", headers=bearer).status_code == 200
    listed = api.get("tokens", Role.OFFICE)["tokens"]
    assert answer.json()["token"] not in str(listed)
    (own,) = [t for t in listed if t["name"] == "truck"]
    assert own["mine"]
    assert own["ends_at"] == answer.json()["ends_at"] > own["last_used_at"]
    ended = api.client.delete("/api/v1/tokens/truck", headers=api.as_(Role.OFFICE))
    assert ended.status_code == 204
    assert api.client.get("/api/v1/bins/full", headers=bearer).status_code == 401


def test_a_community_is_one_that_exists(api: Api) -> None:
    new = {"name": "oak-desk", "role": "community", "password": SECRET}
    assert post(api, "users", {**new, "community": "nowhere"}) == 404
    assert post(api, "users", new) == 422
    assert post(api, "users", {**new, "community": "oak"}) == 201
