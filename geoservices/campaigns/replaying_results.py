"""What is told of a replay: numbers of many people (`replaying_counts`), and sentences of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from geoservices.campaigns.definitions import AfterHolding, Condition, Definition
from geoservices.campaigns.releasing import PASSING
from geoservices.campaigns.replaying import GATES, Tally
from geoservices.campaigns.replaying_counts import Blur, Count, Numbers
from geoservices.campaigns.rules import BY_RUNS, Gate
from geoservices.campaigns.windows import WEEK, Weekday

MOST_PLACES: Final = 20
HOURS_A_DAY: Final = 24
THURSDAY: Final = 3
"""The day of the week that 1 January 1970 was, from Monday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Often:
    """About how many people would have been told from `least` to `most` times; None has no end."""

    least: int
    most: int | None
    people: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDay:
    """What would have been sent on a day by the organisation's clocks; None is too little."""

    day: date
    sent: Count | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InHour:
    """What would have been sent in an hour of the week by the organisation's clocks."""

    day: Weekday
    hour: int
    sent: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AtPlace:
    """What would have been sent to people at a place."""

    place_id: UUID
    name: str
    sent: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """What would have been sent to people of a role, or who are told in a language."""

    name: str
    sent: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What a gate would have held back, the first that said no; None is too little, or nothing."""

    gate: Gate
    held: Count | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a replay. A count is None of few people, or of none.

    `looked_at` are the transitions and check-ins of those who are counted, `decided` those on which
    the campaign would have decided, `sent` its messages. `waiting` is what a gate held back that
    lets it through once time has passed, if the campaign releases that.
    """

    since: datetime
    until: datetime
    smallest: int
    looked_at: Count | None
    decided: Count | None
    sent: Count | None
    often: Sequence[Often]
    days: Sequence[OnDay]
    hours: Sequence[InHour]
    places: Sequence[AtPlace]
    roles: Sequence[Among]
    languages: Sequence[Among]
    gates: Sequence[HeldBack]
    waiting: Count | None
    summary: Sequence[str]
    caveats: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Of what a result tells.

    `time_zone` is by whose clocks, `elsewhere` how many of its places are partners'. `left_out` is
    what the audience asks for and nobody knows any more of these days.
    """

    definition: Definition
    since: datetime
    until: datetime
    time_zone: str
    elsewhere: int
    left_out: Sequence[Condition] = ()


def result_of(tally: Tally, asked: Asked, *, secret: bytes, smallest: int) -> Result:
    """Return what may be told of a replay.

    Args:
        tally: What was decided.
        asked: What was replayed.
        secret: What numbers are blurred with.
        smallest: Of fewer people nothing is told.
    """
    blur = Blur(tally.people, secret=secret, smallest=smallest)
    decided, gates = _numbers(tally.decided), _numbers(tally.gates)
    told, hours = _numbers(tally.told), _numbers(tally.hours)
    everybody = np.arange(len(tally.people))
    held = dict(blur.by(decided, gates))
    releases = asked.definition.after_holding is not AfterHolding.DROP
    waits = np.isin(gates, [GATES.index(gate) for gate in PASSING])
    bare: dict[str, Any] = {
        "since": asked.since,
        "until": asked.until,
        "smallest": smallest,
        "looked_at": blur.count(np.repeat(everybody, _numbers(tally.looked))),
        "decided": blur.count(decided),
        "sent": blur.count(told),
        "often": list(_often(blur, told)),
        "days": list(_days(dict(blur.by(told, hours // HOURS_A_DAY)), asked)),
        "hours": list(_hours(blur, told, hours)),
        "places": _places(blur, tally),
        "roles": _among(blur, told, [one.role for one in tally.profiles]),
        "languages": _among(blur, told, [one.language for one in tally.profiles]),
        "gates": [HeldBack(gate=gate, held=held.get(number)) for number, gate in enumerate(GATES)],
        "waiting": blur.count(decided[waits]) if releases else None,
    }
    result = Result(**bare, summary=(), caveats=())
    return Result(
        **bare,
        summary=list(_summary(result, asked)),
        caveats=list(_caveats(asked)),
    )


def stored(result: Result) -> dict[str, Any]:
    """Return a result as it is kept in the database, as JSON has it."""
    document: dict[str, Any] = msgspec.to_builtins(result)
    return document


def _numbers(counted: Sequence[int]) -> Numbers:
    return np.array(counted, dtype=np.int64)


def _often(blur: Blur, told: Numbers) -> Iterator[Often]:
    people, times = np.unique(told, return_counts=True)
    for least, most in ((1, 1), (2, 3), (4, None)):
        some = people[(times >= least) & (times <= (most or times.max(initial=0)))]
        found = blur.count(some)
        yield Often(least=least, most=most, people=None if found is None else found.people)


def _days(sent: Mapping[int, Count], asked: Asked) -> Iterator[OnDay]:
    zone, epoch = ZoneInfo(asked.time_zone), datetime(1970, 1, 1, tzinfo=UTC).date()
    first, last = (at.astimezone(zone).date() for at in (asked.since, asked.until))
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        yield OnDay(day=day, sent=sent.get((day - epoch).days))


def _hours(blur: Blur, told: Numbers, hours: Numbers) -> Iterator[InHour]:
    of_week = (hours + THURSDAY * HOURS_A_DAY) % (len(WEEK) * HOURS_A_DAY)
    for number, sent in blur.by(told, of_week):
        day, hour = divmod(number, HOURS_A_DAY)
        yield InHour(day=WEEK[day], hour=hour, sent=sent)


def _places(blur: Blur, tally: Tally) -> list[AtPlace]:
    found = [
        AtPlace(place_id=tally.places[number], name=tally.names[number], sent=sent)
        for number, sent in blur.by(_numbers(tally.told), _numbers(tally.where))
    ]
    return sorted(found, key=lambda one: (-one.sent.times, one.name))[:MOST_PLACES]


def _among(blur: Blur, told: Numbers, kinds: Sequence[str]) -> list[Among]:
    names = sorted(set(kinds))
    of = _numbers([names.index(kind) for kind in kinds])
    found = blur.by(told, of[told]) if len(told) else iter(())
    return [Among(name=names[number], sent=sent) for number, sent in found]


def _summary(result: Result, asked: Asked) -> Iterator[str]:
    sent = result.sent
    days = round((asked.until - asked.since) / timedelta(days=1))
    began = "In the last day" if days == 1 else f"In the last {days} days"
    if sent is None:
        yield f"{began} it would have told fewer than {result.smallest} people, or nobody."
    else:
        yield (
            f"{began} it would have sent about {sent.times:,} messages to about "
            f"{sent.people:,} people."
        )
        words = {1: "once", 2: "two or three times", 4: "four times or more"}
        often = [f"about {one.people:,} {words[one.least]}" for one in result.often if one.people]
        if often:
            yield f"Of these it would have told {', '.join(often)}."
    if result.places and len(result.places) > 1:
        most = result.places[0]
        yield f"Most messages would have gone out at {most.name}, about {most.sent.times:,}."
    held = [(one.held.times, one.gate) for one in result.gates if one.held is not None]
    for times, gate in sorted(held, reverse=True)[:3]:
        yield f"The gate {gate} would have held back about {times:,}."
    if result.waiting is not None:
        yield f"About {result.waiting.times:,} of those would have waited, to be sent later."


def _caveats(asked: Asked) -> Iterator[str]:
    definition = asked.definition
    yield (
        "It is of people who agree to be counted; there may be others besides. Fewer than ten are "
        "not told of, and all numbers are somewhat blurred."
    )
    yield (
        "What people agreed to, their languages, quiet hours, teams, skills and interests are "
        "those of today, and so are the places and their opening hours."
    )
    yield (
        "It counts as live all the time, whatever its beginning and end, and as having told nobody "
        "before. What it speaks of counts as begun; how much of it is left is that of today."
    )
    if BY_RUNS.issuperset(definition.triggers):
        yield "Nothing that people do at places sets it off, so there is nothing to look at."
    elif runs := [one for one in definition.triggers if one in BY_RUNS]:
        yield (
            f"It also tells people by runs ({', '.join(runs)}), wherever they are. Those are not "
            "looked at, so that it may send many more messages than these."
        )
    if definition.after_holding is not AfterHolding.DROP:
        yield "What would have waited was not followed until it was sent, or was too late."
    if asked.left_out:
        told = ", ".join(sorted({one.did.value for one in asked.left_out}))
        yield (
            f"Who had done what ({told}) is not known of all these days, so it was not asked. With "
            "fewer days it may be."
        )
    if asked.elsewhere:
        yield (
            f"What people did at places of partners ({asked.elsewhere} of its places) is the "
            "partners', and is not looked at."
        )
