"""Points: a community's, an account's, and every line of its statement."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.errors import documented
from api.inputs import AccountPath, OneLine, plain
from api.paging import (
    CursorOf,
    IdPosition,
    NamePosition,
    NumberedPosition,
    Paging,
    numbered,
)
from api.parts import PartsDep
from api.points import schemas
from api.security import PUBLIC, RESIDENT, OfficeDep
from api.tables import Format, FormatQuery, model_csv
from api.windows import Window
from smartbin.accounts.store import Account, masked
from smartbin.core.errors import NotFound
from smartbin.points.community_points import of_community
from smartbin.points.ledger import entries_of

router = APIRouter(prefix="/api/v1", tags=["points"])
TOP_MAX = 50
LINES_MAX = 1_000
ACCOUNTS_MAX = 1_000


def known(parts: PartsDep, account: AccountPath) -> Account:
    """The account that the path names."""
    found = parts.stores.accounts.get(account)
    if found is None:
        raise unknown(account)
    return found


KnownAccount = Annotated[Account, Depends(known)]


@router.get(
    "/communities/{community}/points",
    dependencies=[PUBLIC],
    responses=documented(404),
    response_model=schemas.CommunityPointsOut,
)
def community_points(
    parts: PartsDep,
    community: str,
    window: Window,
    top: Annotated[int, Query(ge=0, le=TOP_MAX, description="how many households")] = 10,
    format: FormatQuery = Format.JSON,
) -> schemas.CommunityPointsOut | Response:
    """Points given and spent in a community, and the households that earned most, masked."""
    parts.registry.community(community)
    found = of_community(parts.database, community, window, top)
    rows = [
        schemas.TopAccount(rank=rank, account=masked(one.account), points=one.points)
        for rank, one in enumerate(found.top, 1)
    ]
    if format is Format.CSV:
        return model_csv(schemas.TopAccount, rows, f"points-{community}")
    return schemas.CommunityPointsOut(
        community=community,
        first=window.first,
        last=window.last,
        given=found.given,
        earned=found.earned,
        adjusted=found.adjusted,
        spent=found.spent,
        expired=found.expired,
        accounts=found.accounts,
        top=rows,
    )


@router.get(
    "/accounts",
    responses=documented(404),
    response_model=schemas.AccountList,
)
def accounts(
    parts: PartsDep,
    who: OfficeDep,
    paging: Annotated[Paging[NamePosition], Depends(CursorOf(NamePosition))],
    q: Annotated[OneLine, Query(max_length=32, description="how the code begins")] = "",
    card: Annotated[OneLine | None, Query(max_length=64, description="who holds it today")] = None,
    community: Annotated[str | None, Query(description="who lives there today")] = None,
    limit: Annotated[int, Query(ge=1, le=ACCOUNTS_MAX)] = ACCOUNTS_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.AccountList | Response:
    """List accounts and their balances, by code."""
    if community is not None:
        parts.registry.community(community)
    today = parts.today()
    found = parts.stores.accounts.page(
        who.scope,
        today,
        after=paging.after.name if paging.after else "",
        prefix=plain(q),
        community=community,
        card=card,
        limit=limit + 1,
    )
    page, following = paging.cut(found, limit, lambda one: NamePosition(one.code))
    rows = [schemas.AccountRow.of(one, today) for one in page]
    if format is Format.CSV:
        return model_csv(schemas.AccountRow, rows, "accounts", paging.link(following))
    return schemas.AccountList(accounts=rows, next=following)


@router.get("/accounts/{account}", dependencies=[RESIDENT], responses=documented(404))
def account(parts: PartsDep, account: KnownAccount) -> schemas.AccountOut:
    """Show an account: its balance, what of it can be spent, what is held, and its cards."""
    today = parts.today()
    beside = parts.stores.statements.beside(account.code, today)
    return schemas.AccountOut.of(account, today, *beside)


@router.get(
    "/accounts/{account}/statement",
    dependencies=[RESIDENT],
    responses=documented(404),
    response_model=schemas.StatementOut,
)
def statement(
    parts: PartsDep,
    account: AccountPath,
    window: Window,
    paging: Annotated[Paging[NumberedPosition], Depends(CursorOf(NumberedPosition))],
    limit: Annotated[int, Query(ge=1, le=LINES_MAX, description="lines of a page")] = LINES_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.StatementOut | Response:
    """Explain an account's points: a line for each deposit, spending and adjustment."""
    made = parts.stores.statements
    found = made.of(account, window, parts.today())
    if found is None:
        raise unknown(account)
    if format is Format.CSV:
        lines = (schemas.StatementLineOut.of(line, parts) for line in found.lines)
        return model_csv(schemas.StatementLineOut, lines, f"statement-{account}")
    newest = numbered(found.lines[::-1], lambda line: line.at_us, lambda line: line.kind)
    left = [one for one in newest if paging.after is None or _behind(one[0], paging.after)]
    page, following = paging.cut(left, limit, itemgetter(0))
    return schemas.StatementOut.of(found, parts, [line for _, line in page], following)


@router.get(
    "/accounts/{account}/entries",
    dependencies=[RESIDENT],
    responses=documented(404),
    response_model=schemas.EntryList,
)
def entries(
    parts: PartsDep,
    account: KnownAccount,
    paging: Annotated[Paging[IdPosition], Depends(CursorOf(IdPosition))],
    limit: Annotated[int, Query(ge=1, le=LINES_MAX, description="entries of a page")] = LINES_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.EntryList | Response:
    """List the account's ledger entries, newest first: their sum is the balance. A statement
    explains them.
    """
    before = paging.after.id if paging.after else None
    found = entries_of(parts.database, account.code, before, limit + 1)
    page, following = paging.cut(found, limit, lambda one: IdPosition(one.id))
    rows = [schemas.EntryOut.of(one, parts) for one in page]
    if format is Format.CSV:
        return model_csv(schemas.EntryOut, rows, f"entries-{account.code}", paging.link(following))
    return schemas.EntryList(entries=rows, next=following)


@router.post(
    "/accounts/{account}/adjustments",
    status_code=201,
    responses=documented(404, 409),
)
def adjust(
    parts: PartsDep, account: AccountPath, body: schemas.AdjustmentIn, who: OfficeDep
) -> schemas.AdjustmentMade:
    """Give or take points, with a reason. Idempotent by `request_id`."""
    made = parts.stores.adjustments.add(
        account, body.request_id, body.points, body.reason, who.name, parts.now_us()
    )
    return schemas.AdjustmentMade(**made.model_dump())


def _behind(one: NumberedPosition, after: NumberedPosition) -> bool:
    """Whether a line comes after another of a statement: older; of one instant by kind, the last
    first, and then in the statement's order.
    """
    if (one.at_us, one.kind) == (after.at_us, after.kind):
        return one.number > after.number
    return (one.at_us, one.kind) < (after.at_us, after.kind)


def unknown(account: str) -> NotFound:
    """The problem of an unknown account."""
    return NotFound("unknown-account", f"account: there is no {account!r}; look at the card's code")
