"""One-time codes, with which residents sign in: the office makes them."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.errors import documented
from api.inputs import AccountPath
from api.parts import PartsDep
from api.security import OfficeDep
from smartbin.core.errors import NotFound

router = APIRouter(prefix="/api/v1", tags=["session"])


class NewCode(BaseModel):
    """A code to hand to the resident: it can be seen this once, and used once."""

    account: str
    code: str = Field(examples=["01234567"])
    ends: datetime


@router.post("/accounts/{account}/codes", responses=documented(404))
def make(parts: PartsDep, account: AccountPath, who: OfficeDep) -> NewCode:
    """Create a one-time code for an account. Earlier codes stop working."""
    if parts.stores.accounts.get(account) is None:
        raise NotFound("unknown-account", f"account: there is no {account!r}; look at the card")
    code, ends_us = parts.stores.codes.make(account, who.name, parts.now_us())
    return NewCode(account=account, code=code, ends=parts.local(ends_us))
