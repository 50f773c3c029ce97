"""What campaigns do while clocks change: forward and back, by an hour and by half of one.

London's clocks change at 01:00 UTC by an hour; those of Lord Howe Island at two in the morning by
half an hour, in the south's spring and autumn.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from geoservices.campaigns.cooldowns import CooldownPer, Spot
from geoservices.campaigns.pacing import Telling, last_told, told_by, told_by_campaign
from geoservices.campaigns.rules import (
    CampaignClass,
    Cap,
    Circumstances,
    Gate,
    Limits,
    Terms,
    Trigger,
)
from geoservices.campaigns.rulings import Ruling, decide
from geoservices.campaigns.windows import WEEK, Weekly, Window, is_ever_on, is_on
from geoservices.places.hours import OpenState, hours_at

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of clocks; from one until three in the morning it is so many minutes."""

    zone: str
    at: datetime
    from_one_to_three: int

    def hours_around(self) -> list[datetime]:
        """Every minute of the six hours before and after, as instants."""
        return [self.at + number * MINUTE for number in range(-360, 360)]


CHANGES = [
    pytest.param(
        Change("Europe/London", datetime(2026, 3, 29, 1, tzinfo=UTC), 60), id="London, spring"
    ),
    pytest.param(
        Change("Europe/London", datetime(2026, 10, 25, 1, tzinfo=UTC), 180), id="London, autumn"
    ),
    pytest.param(
        Change("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC), 90),
        id="Lord Howe, spring",
    ),
    pytest.param(
        Change("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC), 150),
        id="Lord Howe, autumn",
    ),
]
ONE, THREE = time(1), time(3)
LIMITS = Limits(
    max_age=15 * MINUTE,
    person_cap=Cap(messages=1, within=24 * HOUR),
    class_caps={CampaignClass.SERVICE: Cap(messages=1, within=24 * HOUR)},
    place_cap=Cap(messages=1, within=24 * HOUR),
)
PLENTY = Limits(
    max_age=15 * MINUTE,
    person_cap=Cap(messages=100, within=HOUR),
    class_caps={},
    place_cap=Cap(messages=100, within=HOUR),
)
SPOT = Spot(place_id=uuid4(), parent_id=None)
CAMPAIGN = uuid4()


def asked(
    change: Change,
    at: datetime,
    *,
    told_at: datetime | None = None,
    limits: Limits = PLENTY,
    cap: Cap | None = None,
    cooldown: timedelta = timedelta(0),
    quiet: bool = False,
) -> Ruling:
    """Ask the gates at an instant, of somebody who may have been told something before."""
    tellings = [] if told_at is None else [telling(told_at)]
    told = told_by(tellings, place_id=SPOT.place_id, is_member=False, limits=limits, at=at)
    last = last_told(tellings, CAMPAIGN, spot=SPOT, per=CooldownPer.PLACE)
    terms = Terms(
        trigger=Trigger.ENTERED,
        campaign_class=CampaignClass.SERVICE,
        purpose="nearby",
        min_confidence=1,
        only_when_open=False,
        cooldown=cooldown,
        cooldown_per=CooldownPer.PLACE,
        weekly=Weekly(windows=(), time_zone=change.zone),
        cap=cap,
    )
    about = Circumstances(
        occurred_at=at,
        confidence=3,
        purposes=frozenset({"nearby"}),
        sensitive=False,
        open_state=OpenState.OPEN,
        opens_at=None,
        unclaimable=None,
        time_zone=change.zone,
        quiet_from=ONE if quiet else None,
        quiet_until=THREE if quiet else None,
        told_in_window=told.in_window,
        told_of_class=told.of_class.get(CampaignClass.SERVICE, 0),
        told_here=told.here,
        told_by_campaign=told_by_campaign(tellings, CAMPAIGN, cap, at=at) if cap else 0,
        last_told_at=last.told_at if last else None,
        told_this_visit=False,
        held_out=False,
    )
    return decide(terms, about, limits=limits, at=at)


def telling(at: datetime) -> Telling:
    """What the campaign told somebody."""
    return Telling(
        person_id=uuid4(),
        campaign_id=CAMPAIGN,
        campaign_class=CampaignClass.SERVICE,
        spot=SPOT,
        told_at=at,
        visit_goes_on=False,
    )


@pytest.mark.parametrize("change", CHANGES)
def test_weekly_windows_go_by_what_the_clock_shows(change: Change) -> None:
    """The hour that is skipped is missing from them, and the one that comes twice is in twice."""
    week = Weekly(windows=(Window(days=WEEK, from_=ONE, until=THREE),), time_zone=change.zone)

    on = [at for at in change.hours_around() if is_on(week, at)]

    assert len(on) == change.from_one_to_three
    assert on[-1] - on[0] == (change.from_one_to_three - 1) * MINUTE


@pytest.mark.parametrize("change", CHANGES)
def test_quiet_hours_go_by_what_the_clock_shows(change: Change) -> None:
    """Of the person's own zone, whatever the service's is."""
    quiet = [at for at in change.hours_around() if not asked(change, at, quiet=True).sends]

    assert len(quiet) == change.from_one_to_three
    assert {asked(change, at, quiet=True).gate for at in quiet} == {Gate.QUIET_HOURS}
    shown = [at.astimezone(ZoneInfo(change.zone)).time() for at in quiet]
    assert all(ONE <= moment < THREE for moment in shown)


@pytest.mark.parametrize("change", CHANGES)
def test_opening_hours_go_by_what_the_clock_shows(change: Change) -> None:
    """At every minute the place is open just when its clock says so; when that changes is told."""
    zone, minutes = ZoneInfo(change.zone), change.hours_around()
    shows = {at: ONE <= at.astimezone(zone).time() < THREE for at in minutes}
    flips = [at for at in minutes[1:] if shows[at] is not shows[at - MINUTE]]
    for at in minutes:
        hours = hours_at("Mo-Su 01:00-03:00", time_zone=change.zone, at=at)
        coming = next((flip for flip in flips if flip > at), None)

        assert (hours.state is OpenState.OPEN) is shows[at], at
        assert hours.changes_at is not None
        assert coming is None or hours.changes_at.astimezone(UTC) == coming, at


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("gate", "rules"),
    [
        pytest.param(Gate.CAP, {"limits": LIMITS}, id="the cap on a person"),
        pytest.param(
            Gate.CAMPAIGN_CAP, {"cap": Cap(messages=1, within=24 * HOUR)}, id="a campaign's own"
        ),
        pytest.param(Gate.COOLDOWN, {"cooldown": 24 * HOUR}, id="a cooldown"),
    ],
)
def test_a_day_is_twenty_four_hours_whatever_clocks_show(
    change: Change, gate: Gate, rules: dict[str, object]
) -> None:
    """Rolling windows and cooldowns go by the time that passes, not by the time of day."""
    told_at = change.at - 12 * HOUR
    a_day_later = told_at + 24 * HOUR
    by_the_clock = told_at.astimezone(ZoneInfo(change.zone)) + timedelta(days=1)

    just_before = asked(change, a_day_later - MINUTE, told_at=told_at, **rules)  # type: ignore[arg-type]
    then = asked(change, a_day_later, told_at=told_at, **rules)  # type: ignore[arg-type]

    assert by_the_clock.astimezone(UTC) != a_day_later
    assert just_before.gate is gate
    assert then.sends


@pytest.mark.parametrize("change", CHANGES)
def test_a_window_in_a_skipped_hour_alone_is_never_on(change: Change) -> None:
    """Which is why a campaign of that one day is refused; where the hour comes twice it is on."""
    zone = ZoneInfo(change.zone)
    before = (change.at - MINUTE).astimezone(zone)
    skips = change.from_one_to_three < 120
    # The minutes that are skipped, or that come twice, whichever the change does.
    missing = before + MINUTE if skips else change.at.astimezone(zone)
    window = Window(days=WEEK, from_=missing.time(), until=(missing + 10 * MINUTE).time())
    week = Weekly(windows=(window,), time_zone=change.zone)

    on = is_ever_on(week, change.at - 6 * HOUR, change.at + 6 * HOUR)

    assert on is not skips
    assert is_ever_on(week, change.at, change.at + timedelta(days=2))
