"""The catalogue: what points can be spent on, at which price, and how many are left."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import select, tuple_

from smartbin.core.errors import BadInput
from smartbin.database import Database
from smartbin.database.bulk import insert_into
from smartbin.points.tables import reward

PRICE_MAX, STOCK_MAX = 1_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Reward:
    """A thing in the catalogue: its price in points, how many there are, whether it is offered."""

    id: str
    name_zh: str
    name_en: str
    price: int
    stock: int
    offered: bool = True


class RewardCatalogue:
    """The rewards in the records' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rewards(
        self,
        *,
        every: bool = False,
        after: tuple[int, str] | None = None,
        limit: int | None = None,
    ) -> list[Reward]:
        """The catalogue by price and id: what is offered, or ``every`` reward there ever was;
        ``after`` is the price and the id of the last one of the page before.
        """
        asked = select(reward).order_by(reward.c.price, reward.c.id).limit(limit)
        if after is not None:
            asked = asked.where(tuple_(reward.c.price, reward.c.id) > tuple_(*after))
        with self._database.read() as db:
            rows = db.execute(asked if every else asked.where(reward.c.offered)).all()
        return [Reward(*row) for row in rows]

    def put(self, kept: Reward) -> None:
        """Add a reward to the catalogue, or change it; its stock is what is counted now."""
        if not (0 < kept.price <= PRICE_MAX and 0 <= kept.stock <= STOCK_MAX):
            raise BadInput(f"price, stock: a reward costs 1 to {PRICE_MAX}, stock is 0 or more")
        rows = asdict(kept)
        with self._database.write() as db:
            put = insert_into(db, reward).values(rows)
            rows.pop("id")
            db.execute(put.on_conflict_do_update(index_elements=["id"], set_=rows))
