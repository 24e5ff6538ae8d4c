"""Rounds: a crew's phone tells what it did, as often as it must until it has heard the answer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from starlette.responses import Response

from api.collection.schemas import (
    EmptyingOut,
    EmptyingsIn,
    EndIn,
    ProblemOut,
    ProblemsIn,
    Result,
    Results,
    RoundIn,
    RoundOut,
    RoundsOut,
    Skipped,
    SkipReason,
    Takeover,
    WholeRound,
)
from api.errors import Problem, documented
from api.paging import CursorOf, Paging, TimePosition
from api.parts import Parts, PartsDep
from api.security import OFFICE, Allow, OfficeDep
from api.windows import PAGE_MAX, Window
from smartbin.collection.photos import clean
from smartbin.collection.rules import (
    SAME_WITHIN_US,
    Confirmation,
    confirmation_fault,
)
from smartbin.collection.store import ProblemReport, Round
from smartbin.core import calendar
from smartbin.core.errors import BadInput
from smartbin.facts.events import Collection, DoorKey
from smartbin.people.principals import Principal, Role

router = APIRouter(prefix="/api/v1/rounds", tags=["rounds"])
TELLS = Depends(Allow(Role.CREW, Role.OFFICE))
TellsDep = Annotated[Principal, TELLS]
PHOTO_BYTES_MAX = 300_000
REPORTS_MAX = 10_000


@router.post("", responses=documented(409))
def start(parts: PartsDep, who: TellsDep, body: RoundIn) -> RoundOut:
    """Begin a collection round. Idempotent by id."""
    started_us = calendar.to_us(body.started_at)
    parts.stores.rounds.start(
        Round(str(body.id), who.name, body.category, started_us), parts.now_us()
    )
    return _shown(parts, parts.stores.rounds.get(str(body.id)))


@router.get("")
def rounds(
    parts: PartsDep,
    who: OfficeDep,
    days: Window,
    paging: Annotated[Paging[TimePosition], Depends(CursorOf(TimePosition))],
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX, description="rows of a page")] = PAGE_MAX,
) -> RoundsOut:
    """List collection rounds, newest first."""
    within = calendar.bounds_us(days, parts.registry.site.zone)
    more = parts.stores.rounds.between(who.scope, *within, limit + 1, paging.after)
    found, following = paging.cut(more, limit, lambda one: TimePosition(one.started_us, one.id))
    return RoundsOut(rounds=[_shown(parts, one) for one in found], next=following)


@router.get("/{round}", responses=documented(404))
def whole(parts: PartsDep, who: TellsDep, round: UUID) -> WholeRound:
    """Show a round with its emptyings, problems and doors left out. A crew sees its own, and those
    it took over.
    """
    records = parts.stores.rounds
    found = _own(parts, who, round)
    photos = records.photographed(found.id)
    return WholeRound(
        **_shown(parts, found).model_dump(),
        emptyings=[
            EmptyingOut(
                id=told.what.id,
                crew=told.what.crew,
                device=told.what.device,
                door=told.what.door,
                at=parts.local(told.what.at_us),
                weight_g=told.what.weight_g,
                outcome=told.outcome,
                reason=told.reason,
                photo=told.what.id in photos,
            )
            for told in records.told(found.id)
        ],
        problems=[
            ProblemOut(
                id=one.id,
                crew=one.crew,
                device=one.device,
                door=one.door,
                at=parts.local(one.at_us),
                kind=one.kind,
                note=one.note,
            )
            for one in records.problems(found.id)
        ],
        skipped=[
            Skipped(device=key.device, door=key.door, reason=SkipReason(reason))
            for key, reason in records.skipped(found.id).items()
        ],
        taken_over=[
            Takeover(crew=crew, at=parts.local(at_us))
            for crew, at_us in records.takeovers(found.id).items()
        ],
    )


@router.post("/{round}/takeover", status_code=204, responses=documented(404))
def take_over(parts: PartsDep, who: TellsDep, round: UUID) -> Response:
    """Go on with another crew's round. Idempotent; who took it over, and when, stays with the
    round.
    """
    found = parts.stores.rounds.get(str(round))
    if found.crew != who.name:
        parts.stores.rounds.take_over(found.id, who.name, parts.now_us())
    return Response(status_code=204)


@router.post("/{round}/emptyings", responses=documented(404))
def confirm(parts: PartsDep, who: TellsDep, round: UUID, body: EmptyingsIn) -> Results:
    """Confirm emptied doors. Idempotent by id; an emptying already reported by the bin or
    another phone is answered `known`.
    """
    found = _own(parts, who, round)
    now_us = parts.now_us()
    told = [
        (what, confirmation_fault(what, found.category, parts.registry, now_us))
        for what in _confirmations(found, who, body)
    ]
    reported = _reported(parts, [what for what, reason in told if reason is None])
    kept = parts.stores.rounds.keep(told, reported, now_us)
    return Results(
        results=[
            Result(
                id=k.what.id,
                outcome=k.outcome,
                reason=k.reason,
            )
            for k in kept
        ]
    )


@router.put(
    "/{round}/emptyings/{emptying}/photo",
    status_code=204,
    responses=documented(404, 409),
    max_body_size=PHOTO_BYTES_MAX,
)
def put_photo(
    parts: PartsDep,
    who: TellsDep,
    round: UUID,
    emptying: UUID,
    jpeg: Annotated[bytes, Body(media_type="image/jpeg", description="at most 300 kB")],
) -> Response:
    """Add a photo (JPEG, at most 300 kB) to an emptying. The first photo is kept, written anew:
    upright, at most 1,600 pixels wide or high, without the place and whatever else it carried.
    409 when the crew has sent all that it may within a day.
    """
    found = _own(parts, who, round)
    try:
        cleaned = clean(jpeg)
    except BadInput as error:
        raise Problem(422, "bad-input", str(error), parameter="body") from None
    parts.stores.rounds.put_photo(found.id, str(emptying), who.name, cleaned, parts.now_us())
    return Response(status_code=204)


@router.get(
    "/{round}/emptyings/{emptying}/photo",
    response_class=Response,
    dependencies=[OFFICE],
    responses={200: {"content": {"image/jpeg": {}}}, **documented(404)},
)
def photo(parts: PartsDep, round: UUID, emptying: UUID) -> Response:
    """Show the photo of an emptying."""
    jpeg = parts.stores.rounds.photo(str(round), str(emptying))
    return Response(jpeg, media_type="image/jpeg")


@router.post("/{round}/problems", responses=documented(404))
def report(parts: PartsDep, who: TellsDep, round: UUID, body: ProblemsIn) -> Results:
    """Report problems at doors. Idempotent by id."""
    found = _own(parts, who, round)
    met = [
        ProblemReport(str(p.id), who.name, p.device, p.door, calendar.to_us(p.at), p.kind, p.note)
        for p in body.problems
    ]
    outcomes = parts.stores.rounds.met(found.id, met, parts.now_us())
    pairs = zip(met, outcomes, strict=True)
    return Results(results=[Result(id=one.id, outcome=outcome) for one, outcome in pairs])


@router.post("/{round}/end", responses=documented(404))
def end(parts: PartsDep, who: TellsDep, round: UUID, body: EndIn) -> RoundOut:
    """End a round, naming the doors left out and why. Idempotent."""
    records = parts.stores.rounds
    found = _own(parts, who, round)
    skipped = {DoorKey(one.device, one.door): one.reason.value for one in body.skipped}
    records.end(found.id, calendar.to_us(body.ended_at), skipped)
    return _shown(parts, records.get(found.id))


def _own(parts: Parts, who: Principal, round: UUID) -> Round:
    """A round of the caller's: begun or taken over by them; the office's are all."""
    found = parts.stores.rounds.get(str(round))
    taken_over = parts.stores.rounds.takeovers(found.id)
    if not who.scope.has_crew(found.crew) and who.name not in taken_over:
        detail = f"the round is {found.crew}'s; POST /api/v1/rounds/{found.id}/takeover to go on"
        raise Problem(403, "not-your-round", detail)
    return found


def _shown(parts: Parts, found: Round) -> RoundOut:
    return RoundOut(
        id=found.id,
        crew=found.crew,
        category=found.category,
        started_at=parts.local(found.started_us),
        ended_at=parts.local_or_none(found.ended_us),
    )


def _confirmations(found: Round, who: Principal, body: EmptyingsIn) -> list[Confirmation]:
    return [
        Confirmation(
            str(one.id),
            found.id,
            who.name,
            one.device,
            one.door,
            calendar.to_us(one.at),
            one.weight_g,
        )
        for one in body.emptyings
    ]


def _reported(parts: Parts, told: list[Confirmation]) -> list[Collection]:
    """What the bins themselves reported around these."""
    if not told:
        return []
    start_us = min(what.at_us for what in told) - 2 * SAME_WITHIN_US
    end_us = max(what.at_us for what in told) + 2 * SAME_WITHIN_US
    doors = sorted({what.key for what in told})
    return list(parts.reader.collections(doors, start_us, end_us, REPORTS_MAX))
