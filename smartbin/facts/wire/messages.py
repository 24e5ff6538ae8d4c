"""The messages as devices write them, validated strictly: ``"5"`` is not 5, ``true`` is not 1."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smartbin.facts.events import AlarmType, DeviceState, Item, Judge, Verdict

ROOT = "smartbin/v1"
MAX_BATCH = 500
MAX_PAYLOAD_BYTES = 256 * 1024

DoorId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Grams = Annotated[int, Field(ge=0)]
# A pattern and not pydantic's datetime, which also takes "1700000000" for a time.
Moment = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)$",
        description="device time, RFC 3339 with an offset",
        json_schema_extra={"format": "date-time"},
    ),
]


def measured(least: int, most: int) -> AfterValidator:
    """A measurement. What lies outside what can be measured is missing: sensors send such numbers
    (255, 0xFFFF) when they could not tell.
    """

    def known(value: int | None) -> int | None:
        return value if value is not None and least <= value <= most else None

    return AfterValidator(known)


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    at: Moment
    seq: int = Field(ge=0, le=2**53 - 1, description="the device's message counter")


class Level(BaseModel):
    """What the sensor of one door said: exactly one of level, distance and fault."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    door: DoorId
    level_pct: int | None = Field(None, description="percent full; outside 0 to 100 means missing")
    distance_mm: int | None = Field(None, description="from the sensor down to the waste")
    fault: str | None = Field(None, min_length=1, max_length=64, description="why there is none")


class FillMessage(_Message):
    """How full the doors are."""

    kind: Literal["fill"] = "fill"
    levels: list[Level] = Field(min_length=1, max_length=16)


class DepositMessage(_Message):
    """Something was put into a door."""

    kind: Literal["deposit"] = "deposit"
    door: DoorId
    weight_g: Grams = Field(le=200_000)
    account: Code | None = Field(None, description="the card's pseudonymous code")
    verdict: Verdict | None = None
    judge: Judge | None = Field(
        None, description="camera, also when left out; the verdict of another is dropped"
    )
    item: Item | None = None
    volume_ml: Annotated[int | None, measured(1, 1_000_000)] = Field(
        None, description="what the box measured, 1 to 1,000,000; outside means missing"
    )


class CollectionMessage(_Message):
    """A door was emptied. Net = gross - tare."""

    kind: Literal["collection"] = "collection"
    door: DoorId
    gross_g: Grams = Field(le=20_000_000)
    tare_g: Grams = Field(le=20_000_000)
    crew: Code | None = None


class StatusMessage(_Message):
    """How the device is; retained. The last will is ``{"state":"offline"}`` and nothing else."""

    kind: Literal["status"] = "status"
    state: DeviceState
    battery_pct: Annotated[int | None, measured(0, 100)] = Field(
        None, description="0 to 100; outside means missing"
    )
    voltage_mv: Annotated[int | None, measured(0, 1_000_000)] = Field(
        None, description="0 to 1,000,000; outside means missing"
    )
    rssi_dbm: Annotated[int | None, measured(-200, 50)] = Field(
        None, description="-200 to 50; outside means missing"
    )
    temperature_c: Annotated[int | None, measured(-100, 1_000)] = Field(
        None, description="-100 to 1000; outside means missing"
    )
    firmware: str | None = Field(None, max_length=64)


class AlarmMessage(_Message):
    """Something wrong began or ended, at a door or at the whole device."""

    kind: Literal["alarm"] = "alarm"
    type: AlarmType
    active: bool
    door: DoorId | None = None


Message = FillMessage | DepositMessage | CollectionMessage | StatusMessage | AlarmMessage
MESSAGES: dict[str, type[Message]] = {
    "fill": FillMessage,
    "deposit": DepositMessage,
    "collection": CollectionMessage,
    "status": StatusMessage,
    "alarm": AlarmMessage,
}


class BatchMessage(BaseModel):
    """What a device buffered while it was offline, each event with its own ``kind``, ``at``,
    ``seq``.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    events: list[Annotated[Message, Field(discriminator="kind")]] = Field(
        min_length=1, max_length=MAX_BATCH
    )
