from __future__ import annotations

from smartbin.records.tokens import Role, Tokens
from tests.api.conftest import Api

FULL = "/api/v1/bins/full"


def test_a_code_signs_in_for_its_role_and_ends_with_sign_out(api: Api) -> None:
    assert api.client.get(FULL).status_code == 401
    assert api.client.get("/api/v1/session").status_code == 401
    answer = api.client.post("/api/v1/session", json={"code": f" {api.tokens[Role.CREW]}\n"})
    assert answer.json() == {"role": "crew"}
    assert api.client.get("/api/v1/session").json() == {"role": "crew"}
    assert api.client.get(FULL).status_code == 200
    assert api.client.delete("/api/v1/session").status_code == 204
    assert api.client.get(FULL).status_code == 401


def test_no_script_and_no_other_site_can_use_the_cookie(api: Api) -> None:
    answer = api.client.post("/api/v1/session", json={"code": api.tokens[Role.OFFICE]})
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/api" in cookie
    assert api.tokens[Role.OFFICE] not in answer.text


def test_a_wrong_code_and_a_revoked_one_do_not_sign_in(api: Api) -> None:
    wrong = api.client.post("/api/v1/session", json={"code": "guessed"})
    assert (wrong.status_code, "Set-Cookie" in wrong.headers) == (401, False)
    assert api.client.post("/api/v1/session", json={}).status_code == 422
    api.client.post("/api/v1/session", json={"code": api.tokens[Role.CREW]})
    Tokens(api.parts.engine).revoke("crew")
    assert api.client.get(FULL).status_code == 401
