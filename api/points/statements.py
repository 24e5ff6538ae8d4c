"""Points: a community's, an account's, and every line of its statement."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.errors import documented
from api.inputs import NUMBER_MAX, AccountPath, OneLine
from api.parts import PartsDep
from api.points import schemas
from api.security import OFFICE, PUBLIC, RESIDENT, OfficeDep
from api.tables import Format, FormatQuery, model_csv
from api.windows import Window, first_page
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
    dependencies=[OFFICE],
    responses=documented(404),
    response_model=schemas.AccountList,
)
def accounts(
    parts: PartsDep,
    q: Annotated[OneLine, Query(max_length=32, description="how the code begins")] = "",
    card: Annotated[OneLine | None, Query(max_length=64, description="who holds it today")] = None,
    community: Annotated[str | None, Query(description="who lives there today")] = None,
    after: Annotated[OneLine, Query(max_length=32, description="continue: next_after")] = "",
    limit: Annotated[int, Query(ge=1, le=ACCOUNTS_MAX)] = ACCOUNTS_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.AccountList | Response:
    """List accounts and their balances, by code."""
    if community is not None:
        parts.registry.community(community)
    today = parts.today()
    found = parts.stores.accounts.page(
        today, after=after, prefix=q, community=community, card=card, limit=limit + 1
    )
    page, last = first_page(found, limit)
    rows = [schemas.AccountRow.of(one, today) for one in page]
    if format is Format.CSV:
        return model_csv(schemas.AccountRow, rows, "accounts")
    return schemas.AccountList(accounts=rows, next_after=last.code if last else None)


@router.get("/accounts/{account}", dependencies=[RESIDENT], responses=documented(404))
def account(parts: PartsDep, account: KnownAccount) -> schemas.AccountOut:
    """Show an account: its balance and its cards."""
    return schemas.AccountOut.of(account, parts.today())


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
    skip: Annotated[
        int, Query(ge=0, le=NUMBER_MAX, description="continue: next_skip of the last page")
    ] = 0,
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
    return schemas.StatementOut.of(found, parts, skip, limit)


@router.get(
    "/accounts/{account}/entries",
    dependencies=[RESIDENT],
    responses=documented(404),
    response_model=schemas.EntryList,
)
def entries(
    parts: PartsDep,
    account: KnownAccount,
    before: Annotated[int | None, Query(ge=1, description="continue: next_before")] = None,
    limit: Annotated[int, Query(ge=1, le=LINES_MAX, description="entries of a page")] = LINES_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.EntryList | Response:
    """List the account's ledger entries, newest first: their sum is the balance. A statement
    explains them.
    """
    page, last = first_page(entries_of(parts.database, account.code, before, limit + 1), limit)
    rows = [schemas.EntryOut.of(one, parts) for one in page]
    if format is Format.CSV:
        return model_csv(schemas.EntryOut, rows, f"entries-{account.code}")
    return schemas.EntryList(entries=rows, next_before=last.id if last else None)


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


def unknown(account: str) -> NotFound:
    """The problem of an account there is none of."""
    return NotFound("unknown-account", f"account: there is no {account!r}; look at the card's code")
