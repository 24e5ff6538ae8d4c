"""The shapes of the API's answers about rewards and redemptions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StrictInt

from api.inputs import WHOLE, Flag, OneLine
from api.paging import Next
from api.parts import Parts
from api.points.schemas import AccountCode, Body, RequestId
from smartbin.points.catalogue import PRICE_MAX, STOCK_MAX
from smartbin.points.catalogue import Reward as KeptReward
from smartbin.points.redemptions import QUANTITY_MAX, Redemption, RedemptionReceipt, State

RewardId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$", examples=["tissues"])]


class RewardOut(BaseModel):
    """Something that can be had for points; ``name`` is Chinese."""

    id: RewardId
    name: str = Field(examples=["抽纸一提"])
    name_en: str = Field(examples=["Tissues"])
    price: int = Field(description="points a piece", examples=[100])
    stock: int = Field(examples=[240])
    offered: bool

    @classmethod
    def of(cls, kept: KeptReward) -> RewardOut:
        """From the records' value."""
        return cls(
            id=kept.id,
            name=kept.name_zh,
            name_en=kept.name_en,
            price=kept.price,
            stock=kept.stock,
            offered=kept.offered,
        )


class RewardList(BaseModel):
    """The catalogue."""

    rewards: list[RewardOut]
    next: Next


class RewardIn(Body):
    """A reward as the office puts it into the catalogue."""

    id: RewardId
    name: OneLine = Field(min_length=1, max_length=100, examples=["抽纸一提"])
    name_en: OneLine = Field(min_length=1, max_length=100, examples=["Tissues"])
    price: Annotated[StrictInt, Field(ge=1, le=PRICE_MAX, examples=[100]), WHOLE]
    stock: Annotated[
        StrictInt,
        Field(ge=0, le=STOCK_MAX, description="as counted now", examples=[240]),
        WHOLE,
    ]
    offered: Flag = True

    def kept(self) -> KeptReward:
        """As the records keep it."""
        return KeptReward(self.id, self.name, self.name_en, self.price, self.stock, self.offered)


class RedemptionIn(Body):
    """Points for a reward."""

    request_id: RequestId
    reward: RewardId
    quantity: Annotated[StrictInt, Field(ge=1, le=QUANTITY_MAX, examples=[1]), WHOLE] = 1


class RedemptionRow(BaseModel):
    """A redemption and where it stands."""

    id: int = Field(examples=[4711])
    account: AccountCode
    community: str
    reward: RewardId
    quantity: int
    points: int = Field(description="what it cost", examples=[100])
    state: State
    at: datetime
    changed_at: datetime
    changed_by: str

    @classmethod
    def of(cls, kept: Redemption, parts: Parts) -> RedemptionRow:
        """From the records' value."""
        return cls(
            id=kept.id,
            account=kept.account,
            community=kept.community,
            reward=kept.reward,
            quantity=kept.quantity,
            points=kept.points,
            state=kept.state,
            at=parts.local(kept.made_us),
            changed_at=parts.local(kept.changed_us),
            changed_by=kept.changed_by,
        )


class RedemptionMade(BaseModel):
    """The answer to a redemption, the same however often it is asked; ``balance`` is what was
    left then.
    """

    id: int = Field(examples=[4711])
    account: AccountCode
    reward: RewardId
    quantity: int
    points: int = Field(examples=[100])
    at: datetime
    balance: int = Field(examples=[212])

    @classmethod
    def of(cls, receipt: RedemptionReceipt, parts: Parts) -> RedemptionMade:
        """From the kept answer."""
        return cls(
            id=receipt.id,
            account=receipt.account,
            reward=receipt.reward,
            quantity=receipt.quantity,
            points=receipt.points,
            at=parts.local(receipt.made_us),
            balance=receipt.balance,
        )


class RedemptionList(BaseModel):
    """Redemptions, newest first."""

    redemptions: list[RedemptionRow]
    next: Next
