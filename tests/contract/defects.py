"""Deliberately wrong stores: the model with one mistake each, as adapters have made them.

``ALONE`` names for every check of the suite a store that fails it and no other; ``MORE`` are
mistakes that only many facts together bring out.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from smartbin.core.calendar import US_PER_DAY, US_PER_HOUR, Days, start_us
from smartbin.core.errors import SecondTelling, StoreUnavailable
from smartbin.facts.events import (
    Alarm,
    Collection,
    Deposit,
    DoorKey,
    Fact,
    LevelReading,
    Span,
    Status,
    Verdict,
    identity,
)
from smartbin.telemetry import DayPresence, DoorTotals, ItemTotals
from tests.contract.model import Model


class CountsRepetitions(Model):
    """A roll-up that grows with every append, not with every new row."""

    repeated = 0

    def append(self, facts: Sequence[Fact]) -> None:
        known = [f for f in facts if identity(f) in self._facts]
        self.repeated += sum(isinstance(f, Deposit) for f in known)
        super().append(facts)

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        found = super().deposit_totals(spans, by_day=by_day)
        return [replace(t, deposits=t.deposits + self.repeated) for t in found]


class DropsWhatComesLate(Model):
    def append(self, facts: Sequence[Fact]) -> None:
        newest: dict[str, int] = {}
        for known in self._facts.values():
            if isinstance(known, Deposit):
                newest[known.device] = max(known.at_us, newest.get(known.device, 0))
        late = [f for f in facts if isinstance(f, Deposit) and f.at_us < newest.get(f.device, 0)]
        super().append([f for f in facts if f not in late])


class LosesTheTemperature(Model):
    def append(self, facts: Sequence[Fact]) -> None:
        super().append(
            [replace(f, temperature_c=None) if isinstance(f, Status) else f for f in facts]
        )


class LosesTheVolume(Model):
    def append(self, facts: Sequence[Fact]) -> None:
        super().append([replace(f, volume_ml=None) if isinstance(f, Deposit) else f for f in facts])


class KeepsTheAccount(Model):
    def append(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._facts.setdefault(identity(fact), fact)


class ClosesWindows(Model):
    def levels(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[LevelReading]:
        return super().levels(device, start_us, end_us + 1, limit)


class RoundsDaysUp(Model):
    def _deposits_of(self, span: Span) -> list[Deposit]:
        moved = Model(self._zone)
        moved.append(
            [
                replace(d, at_us=d.at_us + 1) if d.at_us % US_PER_HOUR == US_PER_HOUR - 1 else d
                for d in self._all(Deposit)
            ]
        )
        return Model._deposits_of(moved, span)

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        return super().deposit_totals(spans, by_day=by_day)


class JudgesOnlyTheCorrect(Model):
    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        found = super().deposit_totals(spans, by_day=by_day)
        return [replace(t, judged=t.correct) for t in found]


class WeighsNoItem(Model):
    def item_totals(self, spans: Sequence[Span]) -> Sequence[ItemTotals]:
        return [replace(t, weight_g=0) for t in super().item_totals(spans)]


class ForgetsSilence(Model):
    def latest_levels(
        self, doors: Iterable[DoorKey], since_us: int
    ) -> Mapping[DoorKey, LevelReading]:
        return super().latest_levels(doors, 0)


class EndsFullnessAtAFault(Model):
    def full_since(
        self, thresholds: Mapping[DoorKey, int], before_us: int, since_us: int
    ) -> Mapping[DoorKey, int]:
        felt = Model(self._zone)
        felt.append(
            [replace(r, level_pct=r.level_pct or 0, fault=None) for r in self._all(LevelReading)]
        )
        return felt.full_since(thresholds, before_us, since_us)


class BelievesTheLastAlarmToArrive(Model):
    def active_alarms(self, devices: Iterable[str]) -> Sequence[Alarm]:
        wanted = set(devices)
        last: dict[tuple[str, str, str], Alarm] = {}
        for fact in self._facts.values():
            if isinstance(fact, Alarm) and fact.device in wanted:
                last[fact.device, fact.door, fact.type] = fact
        return [alarm for _, alarm in sorted(last.items()) if alarm.active]


class CountsFactsAsMessages(Model):
    def presence(self, devices: Iterable[str], days: Days, until_us: int) -> Sequence[DayPresence]:
        return [
            replace(p, messages=p.messages + sum(f.seq is None for f in self._facts.values()))
            for p in super().presence(devices, days, until_us)
        ]


class KeepsTheOldest(Model):
    def deposits(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Deposit]:
        return list(super().deposits(doors, start_us, end_us, 10**9))[-limit:]


class CutsEachFieldByItself(Model):
    """The newest of each column, put together: an old fact's crew stands there alone."""

    def collections(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Collection]:
        whole = super().collections(doors, start_us, end_us, 10**9)
        crews = [replace(c, gross_g=0, tare_g=0) for c in whole if c.crew][:limit]
        found = {(c.device, c.door, c.at_us): c for c in [*crews, *whole[:limit]]}
        return sorted(found.values(), key=lambda c: (-c.at_us, c.device, c.door))


class TakesEveryDayFor24Hours(Model):
    """Windows of a fixed width from the span's first day on: wrong after clocks have changed."""

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        if not by_day:
            return super().deposit_totals(spans, by_day=by_day)
        rows: list[DoorTotals] = []
        for span in spans:
            first_us = start_us(span.days.first, self._zone)
            slots: dict[int, list[Deposit]] = defaultdict(list)
            for d in self._deposits_of(span):
                slots[(d.at_us - first_us) // US_PER_DAY].append(d)
            for n, found in sorted(slots.items()):
                moved = Model(ZoneInfo("UTC"))
                day = span.days.first + timedelta(days=n)
                noon_us = start_us(day, ZoneInfo("UTC")) + US_PER_DAY // 2
                moved.append([replace(d, at_us=noon_us + i) for i, d in enumerate(found)])
                rows += moved.deposit_totals([Span(span.door, Days(day, day))], by_day=True)
        return rows


class FillsInFromOlderStatuses(Model):
    """The newest value of each field, whichever status had it."""

    def latest_statuses(self, devices: Iterable[str]) -> Mapping[str, Status]:
        found: dict[str, Status] = {}
        for device, newest in super().latest_statuses(devices).items():
            older = [f for f in self._facts.values() if isinstance(f, Status)]
            older = sorted((f for f in older if f.device == device), key=lambda f: f.at_us)
            known = {k: v for f in older for k, v in asdict(f).items() if v is not None}
            found[device] = replace(newest, **known)
        return found


class KeepsPlainTextAlone(Model):
    """A connection or a column in ASCII."""

    def append(self, facts: Sequence[Fact]) -> None:
        super().append([self._plain(f) for f in facts])

    def _plain(self, fact: Fact) -> Fact:
        if isinstance(fact, Collection) and fact.crew:
            return replace(fact, crew=_ascii(fact.crew))
        if isinstance(fact, LevelReading) and fact.fault:
            return replace(fact, fault=_ascii(fact.fault))
        if isinstance(fact, Status) and fact.firmware:
            return replace(fact, firmware=_ascii(fact.firmware))
        return fact


def _ascii(said: str) -> str:
    return said.encode("ascii", "replace").decode()


class LosesWhatLiesBetweenPieces(Model):
    """A list read in growing pieces, from the newest backwards, that do not quite meet."""

    def levels(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[LevelReading]:
        whole = super().levels(device, start_us, end_us, 10**9)
        found: list[LevelReading] = []
        high_us, width_us = max((r.at_us for r in whole), default=start_us) + 1, US_PER_HOUR
        while high_us > start_us:
            low_us = max(start_us, high_us - width_us)
            least_us = low_us if low_us == start_us else low_us + 1
            found += [r for r in whole if least_us <= r.at_us < high_us]
            high_us, width_us = low_us, width_us * 16
        return found[:limit]


class IsNoStoreBeforeItsFirstFact(Model):
    def check(self) -> None:
        if not self._facts:
            raise StoreUnavailable("empty")


class CountsTheRunningHour(Model):
    def presence(self, devices: Iterable[str], days: Days, until_us: int) -> Sequence[DayPresence]:
        return super().presence(devices, days, until_us + US_PER_HOUR)


class ReadsCountersByTheirIdentity(Model):
    """By ``at_us``, which wraps with every thousandth counter of a millisecond."""

    def counters(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[int]:
        said = sorted(
            (f.at_us, f.seq)
            for f in self._facts.values()
            if f.device == device and f.seq is not None and start_us <= f.at_us < end_us
        )
        return [seq for _, seq in said][:limit]


ALONE: dict[str, type[Model]] = {
    "check_appending_twice_is_appending_once": CountsRepetitions,
    "check_order_is_free": DropsWhatComesLate,
    "check_every_field_comes_back": LosesTheTemperature,
    "check_an_account_is_not_kept": KeepsTheAccount,
    "check_windows_are_half_open": ClosesWindows,
    "check_days_are_the_sites": RoundsDaysUp,
    "check_totals_by_day_and_in_all": JudgesOnlyTheCorrect,
    "check_totals_by_item": WeighsNoItem,
    "check_the_newest_level_wins_and_a_silent_door_is_absent": ForgetsSilence,
    "check_full_since": EndsFullnessAtAFault,
    "check_the_newest_alarm_decides": BelievesTheLastAlarmToArrive,
    "check_presence_counts_hours_messages_and_counters": CountsFactsAsMessages,
    "check_a_running_hour_is_not_counted": CountsTheRunningHour,
    "check_counters_come_by_the_devices_clock": ReadsCountersByTheirIdentity,
    "check_limits_keep_the_newest": KeepsTheOldest,
    "check_a_limit_cuts_whole_facts": CutsEachFieldByItself,
    "check_days_of_23_and_25_hours": TakesEveryDayFor24Hours,
    "check_the_newest_has_its_own_fields_alone": FillsInFromOlderStatuses,
    "check_any_text_comes_back": KeepsPlainTextAlone,
    "check_long_lists_are_whole": LosesWhatLiesBetweenPieces,
    "check_an_empty_store_answers": IsNoStoreBeforeItsFirstFact,
}

UNASKED = (IsNoStoreBeforeItsFirstFact, LosesWhatLiesBetweenPieces)
"""Found by their checks alone: asking needs facts, and a few of them rarely lie at such hours."""


class LosesTheCrew(Model):
    def append(self, facts: Sequence[Fact]) -> None:
        super().append([replace(f, crew=None) if isinstance(f, Collection) else f for f in facts])


class ForgetsADeviceOfTwo(Model):
    """A query's filter that takes the first of several."""

    def latest_statuses(self, devices: Iterable[str]) -> Mapping[str, Status]:
        return super().latest_statuses(sorted(devices)[:1])


class CountsADaySpanOnce(Model):
    """Two spans of one door answered as one."""

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        once = list({span.door: span for span in spans}.values())
        return super().deposit_totals(once, by_day=by_day)


class LosesTheLastDay(Model):
    def _deposits_of(self, span: Span) -> list[Deposit]:
        first, last = span.days.first, span.days.last
        shorter = Days(first, max(first, last - timedelta(days=1)))
        return super()._deposits_of(Span(span.door, shorter))


class MixesTheDoorsOfADevice(Model):
    """A key that forgets the door when two facts share an instant."""

    def append(self, facts: Sequence[Fact]) -> None:
        at = {(f.kind, f.device, f.at_us) for f in self._facts.values()}
        super().append([f for f in facts if (f.kind, f.device, f.at_us) not in at])


class TakesAStatusForAnOlderOne(Model):
    """The newest by arrival."""

    def latest_statuses(self, devices: Iterable[str]) -> Mapping[str, Status]:
        wanted = set(devices)
        found = [f for f in self._facts.values() if isinstance(f, Status)]
        return {f.device: f for f in found if f.device in wanted}


class AddsUnjudgedToCorrect(Model):
    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        found = super().deposit_totals(spans, by_day=by_day)
        none = sum(d.verdict is not Verdict.INCORRECT for d in self._all(Deposit))
        return [replace(t, correct=min(t.correct + none, t.deposits)) for t in found]


class CountsMessagesAsHours(Model):
    def presence(self, devices: Iterable[str], days: Days, until_us: int) -> Sequence[DayPresence]:
        return [
            replace(p, hours=min(p.messages, 24)) for p in super().presence(devices, days, until_us)
        ]


class BreaksTiesByArrival(Model):
    """Facts of one instant in the order they came."""

    def deposits(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Deposit]:
        wanted = set(doors)
        found = [
            f
            for f in self._facts.values()
            if isinstance(f, Deposit)
            and (f.device, f.door) in wanted
            and start_us <= f.at_us < end_us
        ]
        return sorted(found, key=lambda f: -f.at_us)[:limit]


class IgnoresWhenItWasFullBefore(Model):
    """Since when a door is full, looked for from the beginning: the first run, not the last."""

    def full_since(
        self, thresholds: Mapping[DoorKey, int], before_us: int, since_us: int
    ) -> Mapping[DoorKey, int]:
        began = super().full_since(thresholds, before_us, since_us)
        first = {}
        for door in began:
            readings = self._at(LevelReading, [door], since_us, before_us, 10**9)
            full = [r.at_us for r in readings if (r.level_pct or 0) >= thresholds[door]]
            first[door] = min(full)
        return first


class DropsASecondTelling(Model):
    """Without a word."""

    def append(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            with contextlib.suppress(SecondTelling):
                super().append([fact])


class TakesTheLastTelling(Model):
    def append(self, facts: Sequence[Fact]) -> None:
        others = [f for f in facts if self._facts.get(identity(f), f) != f]
        self._facts |= {identity(f): f for f in facts}
        if others:
            raise SecondTelling(others)


class NamesEveryRepetition(Model):
    def append(self, facts: Sequence[Fact]) -> None:
        known = [f for f in facts if identity(f) in self._facts]
        super().append(facts)
        if known:
            raise SecondTelling(known)


SECOND_TELLINGS = (DropsASecondTelling, TakesTheLastTelling, NamesEveryRepetition)
"""What ``first_telling_stands`` finds."""

MORE: list[type[Model]] = [
    LosesTheCrew,
    LosesTheVolume,
    ForgetsADeviceOfTwo,
    CountsADaySpanOnce,
    LosesTheLastDay,
    MixesTheDoorsOfADevice,
    TakesAStatusForAnOlderOne,
    AddsUnjudgedToCorrect,
    CountsMessagesAsHours,
    BreaksTiesByArrival,
    IgnoresWhenItWasFullBefore,
]
