"""What points are spent on: the catalogue, redemptions, handing over and taking back."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.errors import Problem, documented
from api.inputs import AccountPath, NumberPath
from api.paging import CursorOf, IdPosition, Paging, Text, Whole
from api.parts import Parts, PartsDep
from api.points import shop_schemas as schemas
from api.points.statements import KnownAccount
from api.security import OFFICE, PUBLIC, RESIDENT, Allow
from api.tables import Format, FormatQuery, model_csv
from smartbin.core.errors import NotFound
from smartbin.people.principals import Principal, Role
from smartbin.points.redemptions import Redemption, State

router = APIRouter(prefix="/api/v1", tags=["points"])
PAGE_MAX = 500
CounterDep = Annotated[Principal, Depends(Allow(Role.COMMUNITY, Role.OFFICE))]
ResidentDep = Annotated[Principal, RESIDENT]
PagingDep = Annotated[Paging[IdPosition], Depends(CursorOf(IdPosition))]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


class PricePosition(NamedTuple):
    """A reward by its price and its id."""

    price: Whole
    id: Text


@router.get("/rewards", dependencies=[PUBLIC],
            response_model=schemas.RewardList)  # fmt: skip
def rewards(
    parts: PartsDep,
    paging: Annotated[Paging[PricePosition], Depends(CursorOf(PricePosition))],
    every: Annotated[bool, Query(description="include rewards that are no longer offered")] = False,
    limit: Limit = PAGE_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.RewardList | Response:
    """List rewards, cheapest first."""
    found = parts.stores.catalogue.rewards(every=every, after=paging.after, limit=limit + 1)
    page, following = paging.cut(found, limit, lambda one: PricePosition(one.price, one.id))
    rows = [schemas.RewardOut.of(one) for one in page]
    if format is Format.CSV:
        return model_csv(schemas.RewardOut, rows, "rewards", paging.link(following))
    return schemas.RewardList(rewards=rows, next=following)


@router.post("/rewards", dependencies=[OFFICE])
def put_reward(parts: PartsDep, body: schemas.RewardIn) -> schemas.RewardOut:
    """Add a reward to the catalogue, or change the price, stock or offer of an existing one."""
    parts.stores.catalogue.put(body.kept())
    return schemas.RewardOut.of(body.kept())


@router.post(
    "/accounts/{account}/redemptions",
    status_code=201,
    responses=documented(404, 409),
)
def redeem(
    parts: PartsDep,
    account: AccountPath,
    body: schemas.RedemptionIn,
    who: ResidentDep,
) -> schemas.RedemptionMade:
    """Spend points on a reward. Idempotent by `request_id`: a repetition gets the first answer."""
    made = parts.stores.redemptions.redeem(
        account, body.request_id, body.reward, body.quantity, who.name, parts.now_us()
    )
    return schemas.RedemptionMade.of(made, parts)


@router.get(
    "/accounts/{account}/redemptions",
    responses=documented(404),
    response_model=schemas.RedemptionList,
)
def redemptions_of(
    parts: PartsDep,
    who: ResidentDep,
    account: KnownAccount,
    paging: PagingDep,
    limit: Limit = PAGE_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.RedemptionList | Response:
    """List an account's redemptions, newest first."""
    found = parts.stores.redemptions.find(
        who.scope, code=account.code, before=_before(paging), limit=limit + 1
    )
    return _answer(parts, found, paging, limit, format, f"redemptions-{account.code}")


@router.post(
    "/accounts/{account}/redemptions/{redemption}/cancel",
    responses=documented(404, 409),
)
def cancel(
    parts: PartsDep,
    account: AccountPath,
    redemption: NumberPath,
    who: ResidentDep,
) -> schemas.RedemptionRow:
    """Cancel a redemption within 7 days and before its handover. The points return."""
    _mine(parts, redemption, account)
    done = parts.stores.redemptions.cancel(redemption, who.name, parts.now_us())
    return schemas.RedemptionRow.of(done, parts)


@router.get("/redemptions", response_model=schemas.RedemptionList)
def redemptions(
    parts: PartsDep,
    who: CounterDep,
    paging: PagingDep,
    state: State | None = None,
    limit: Limit = PAGE_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.RedemptionList | Response:
    """List redemptions, newest first. A community sees its own only."""
    found = parts.stores.redemptions.find(
        who.scope, state=state, before=_before(paging), limit=limit + 1
    )
    return _answer(parts, found, paging, limit, format, "redemptions")


@router.post("/redemptions/{redemption}/handover", responses=documented(404, 409))
def hand_over(parts: PartsDep, redemption: NumberPath, who: CounterDep) -> schemas.RedemptionRow:
    """Confirm that a reward was handed over."""
    found = parts.stores.redemptions.get(redemption)
    if found is not None and not who.scope.has_community(found.community):
        raise Problem(403, "forbidden", f"redemption {redemption} is not of {who.community}")
    done = parts.stores.redemptions.hand_over(redemption, who.name, parts.now_us())
    return schemas.RedemptionRow.of(done, parts)


def _mine(parts: Parts, number: int, account: str) -> None:
    """Refuse a redemption of another account: its number is not a secret."""
    found = parts.stores.redemptions.get(number)
    if found is None or found.account != account:
        raise NotFound("unknown-redemption", f"redemption: {account} has no number {number}")


def _before(paging: Paging[IdPosition]) -> int | None:
    return paging.after.id if paging.after else None


def _answer(
    parts: Parts,
    found: list[Redemption],
    paging: Paging[IdPosition],
    limit: int,
    format: Format,
    name: str,
) -> schemas.RedemptionList | Response:
    page, following = paging.cut(found, limit, lambda one: IdPosition(one.id))
    rows = [schemas.RedemptionRow.of(one, parts) for one in page]
    if format is Format.CSV:
        return model_csv(schemas.RedemptionRow, rows, name, paging.link(following))
    return schemas.RedemptionList(redemptions=rows, next=following)
