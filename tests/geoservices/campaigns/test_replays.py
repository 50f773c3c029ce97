"""Replays asked for and worked on: once, by one worker, for the right people, and not for ever."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices import clock, withdrawing
from geoservices.access.reach import Reach
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Consent, Organisation, Person, Purpose
from geoservices.campaigns import replayed_queries, replaying_queries, replays
from geoservices.campaigns.definitions import PlaceSet
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.campaigns.replays import WORK, ReplayUnderWay, Wanted
from geoservices.database import SessionFactory, transaction
from geoservices.errors import IdTaken, NotFound
from geoservices.leasing.models import Reason
from geoservices.leasing.work import Superseded
from geoservices.limiting.limiter import Limiter, TooManyRequests
from geoservices.listings.models import Listing
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.places.sensitivity import SensitiveKind
from geoservices.retention import service as retention
from tests.factories import (
    make_campaign,
    make_definition,
    make_listing,
    make_organisation,
    make_place,
    make_version,
    may,
    share_place,
)
from tests.replaying import Town, make_people, make_town
from tests.walking import SETTINGS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def make_busy_town(session: Session, *, people: int = 14) -> tuple[Town, Campaign]:
    """A town in which so many came to the first library twice, the day before yesterday."""
    town = make_town(session)
    at = clock.now() - 2 * DAY
    for person in make_people(session, people):
        agree_before(session, person.id, at - DAY)
        town.comes(person, at=at, leaves_at=at + HOUR)
        town.comes(person, at=at + 2 * HOUR, leaves_at=at + 3 * HOUR)
    town.listing.starts_at = at - DAY
    campaign = make_campaign(session, town.listing, published_at=None, cooldown=DAY)
    return town, campaign


def agree_before(session: Session, person_id: UUID, at: datetime) -> None:
    """Let somebody have agreed to all since an instant."""
    for consent in session.scalars(select(Consent).where(Consent.person_id == person_id)):
        consent.given_at = at


def asked(
    sessions: SessionFactory, campaign: Campaign, wanted: Wanted | None = None, **changes: Any
) -> UUID:
    """The id of a replay that is asked for."""
    settings = changes.pop("settings", SETTINGS)
    grant = changes.pop("grant", None)
    with transaction(sessions) as session:
        replay = replays.ask_for(
            session,
            campaign.id,
            wanted or Wanted(days=7),
            grant=grant or may_write(session, campaign),
            settings=settings,
            limiter=Limiter(sessions, settings),
            at=clock.now(),
        )
        return replay.id


def may_write(session: Session, campaign: Campaign) -> Any:
    """What lets somebody ask for a replay of a campaign."""
    return may(session.get_one(Organisation, campaign.organisation_id), Right.CAMPAIGNS_WRITE)


def seen(sessions: SessionFactory, replay_id: UUID) -> CampaignReplay:
    """A replay as it stands."""
    with transaction(sessions) as session:
        return session.get_one(CampaignReplay, replay_id)


def work(sessions: SessionFactory, replay_id: UUID) -> ReplayState | None:
    """Do what a worker does."""
    return replays.carry_out(sessions, replay_id, settings=SETTINGS)


def result_of(sessions: SessionFactory, replay_id: UUID) -> dict[str, Any]:
    """What came of a replay."""
    assert work(sessions, replay_id) is ReplayState.DONE
    result = seen(sessions, replay_id).result
    assert result is not None
    return result


@pytest.fixture
def busy(committed: SessionFactory) -> tuple[Town, Campaign]:
    """A town with 14 people who came twice, and a draft."""
    with transaction(committed) as session:
        return make_busy_town(session)


def test_a_replay_tells_how_many_would_have_been_told(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """In numbers and in sentences; nobody is told anything, and nothing is recorded of anyone."""
    town, campaign = busy
    replay_id = asked(committed, campaign)

    result = result_of(committed, replay_id)

    done = seen(committed, replay_id)
    assert (done.state, done.share_done) == (ReplayState.DONE, 1.0)
    assert result["sent"]["people"] in {10, 15, 20}
    assert [one["place_id"] for one in result["places"]] == [str(town.places[0].id)]
    held = {one["gate"]: one["held"] for one in result["gates"]}
    assert held["cooldown"] is not None
    assert held["purpose"] is None
    assert result["summary"][0].startswith("In the last 7 days it would have sent about ")
    assert [one["people"] for one in result["often"]][1:] == [None, None]
    assert len(result["days"]) == 8
    with transaction(committed) as session:
        for table in (Decision, Notification):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_of_few_people_nothing_is_told(committed: SessionFactory) -> None:
    """However often they came: each number is missing, as if nobody had come at all."""
    with transaction(committed) as session:
        _town, campaign = make_busy_town(session, people=9)
    with transaction(committed) as session:
        nobody = make_campaign(
            session,
            session.get_one(Listing, campaign.listing_id),
            published_at=None,
            audience=Role.STAFF,
        )

    few, none = (result_of(committed, asked(committed, one)) for one in (campaign, nobody))

    assert few["sent"] is None
    assert {**few, "looked_at": None, "since": "", "until": ""} == {
        **none,
        "looked_at": None,
        "since": "",
        "until": "",
    }
    assert few["summary"] == [
        "In the last 7 days it would have told fewer than 10 people, or nobody."
    ]


def test_the_same_question_has_the_same_answer(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """Asking again and again tells no more than asking once."""
    _town, campaign = busy

    answers = [result_of(committed, asked(committed, campaign)) for _ in range(3)]

    for name in ("sent", "decided", "looked_at", "gates", "places", "often"):
        assert answers[0][name] == answers[1][name] == answers[2][name]


def test_who_withdrew_is_counted_no_more(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """Nor is who agreed only after they came."""
    town, campaign = busy
    people = list(town.devices)
    with transaction(committed) as session:
        for person_id in people[:3]:
            person = session.get_one(Person, person_id)
            withdrawing.withdraw_consent(session, person, Purpose.STATISTICS, at=clock.now())
        for person_id in people[3:6]:
            agree_before(session, person_id, clock.now())

    assert result_of(committed, asked(committed, campaign))["looked_at"] is None


def test_what_people_do_at_a_partners_place_is_the_partners(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """It is not looked at, and the result says of how many places."""
    town, _campaign = busy
    with transaction(committed) as session:
        partner = make_organisation(session, "torbay")
        share_place(session, session.get_one(Place, town.places[0].id), partner)
        own = make_place(session, partner, name="Torquay Library")
        campaign = make_campaign(
            session,
            make_listing(session, own),
            published_at=None,
            places=PlaceSet(ids=(own.id, town.places[0].id)),
        )

    result = result_of(committed, asked(committed, campaign))

    assert result["looked_at"] is None
    assert any("places of partners (1 of its places)" in one for one in result["caveats"])


def test_a_sensitive_place_is_not_looked_at(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """As soon as it is marked, whatever there is still of before."""
    town, campaign = busy
    with transaction(committed) as session:
        place = session.get_one(Place, town.places[0].id)
        place.sensitive_kind, place.sensitive_at = SensitiveKind.CLINIC, clock.now()

    assert result_of(committed, asked(committed, campaign))["looked_at"] is None


def test_a_limited_managers_replay_stays_within_their_reach(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """And they see no other, as it may have looked further."""
    town, _campaign = busy
    with transaction(committed) as session:
        near = session.get_one(Place, town.places[1].id)
        near.tags = ["east"]
        campaign = make_campaign(
            session,
            make_listing(session, near),
            published_at=None,
            places=PlaceSet(categories=("library",)),
        )
        full = may_write(session, campaign)
    limited = replace(full, actor=replace(full.actor, reach=Reach(tags=frozenset({"east"}))))
    theirs = asked(committed, campaign, grant=limited)
    with pytest.raises(ReplayUnderWay, match=f"Wait for {theirs}, or cancel it"):
        asked(committed, campaign)
    assert result_of(committed, theirs)["looked_at"] is None
    other = asked(committed, campaign)
    # Nobody is told to cancel what they would not find.
    with pytest.raises(ReplayUnderWay, match=r"Ask again in some minutes.*they can cancel") as told:
        asked(committed, campaign, grant=limited)
    assert str(other) not in str(told.value)
    assert result_of(committed, other)["looked_at"] is not None

    with transaction(committed) as session:
        assert replays.get_replay(session, campaign.id, theirs, grant=limited).id == theirs
        with pytest.raises(NotFound):
            replays.get_replay(session, campaign.id, other, grant=limited)
        listed = replaying_queries.replays_of(session, campaign.id, limited, after=None, limit=9)
        assert [one.id for one in listed] == [theirs]
    assert asked(committed, campaign, Wanted(id=theirs, days=7), grant=limited) == theirs
    with pytest.raises(IdTaken):
        asked(committed, campaign, Wanted(id=other, days=7), grant=limited)


def test_any_version_may_be_replayed(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """The newest, unless another is named; one that there is not is not found."""
    _town, campaign = busy
    with transaction(committed) as session:
        held = session.get_one(Campaign, campaign.id)
        held.version = 2
        make_version(session, held, make_definition(audience=Role.STAFF))

    newest = asked(committed, campaign)
    assert result_of(committed, newest)["sent"] is None
    first = asked(committed, campaign, Wanted(days=7, version=1))
    assert result_of(committed, first)["sent"] is not None
    with pytest.raises(NotFound):
        asked(committed, campaign, Wanted(days=7, version=3))


def test_one_is_made_at_a_time_and_once_by_its_id(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """The same id and content is the same replay; another one waits."""
    _town, campaign = busy
    wanted = Wanted(id=uuid4(), days=7)

    assert asked(committed, campaign, wanted) == asked(committed, campaign, wanted) == wanted.id
    with pytest.raises(IdTaken):
        asked(committed, campaign, replace(wanted, days=6))
    with pytest.raises(ReplayUnderWay):
        asked(committed, campaign)
    work(committed, wanted.id)
    assert asked(committed, campaign, wanted) == wanted.id
    assert asked(committed, campaign) != wanted.id


def test_an_organisation_has_so_many_a_day(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """Each tells a little more, however much it is blurred."""
    _town, campaign = busy
    limits = SETTINGS.limits.model_copy(update={"replays_by_organisation": "2/P1D"})
    settings = SETTINGS.model_copy(update={"limits": limits})

    for _ in range(2):
        work(committed, asked(committed, campaign, settings=settings))

    with pytest.raises(TooManyRequests):
        asked(committed, campaign, settings=settings)


def test_visits_are_looked_at_as_far_as_they_are_kept(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """Whatever was asked for."""
    _town, campaign = busy
    kept = SETTINGS.retention.model_copy(update={"visits": DAY})
    settings = SETTINGS.model_copy(update={"retention": kept})

    replay = seen(committed, asked(committed, campaign, settings=settings))

    assert replay.asked_at - replay.since == DAY


def test_a_second_worker_passes_it_over_and_takes_it_up_from_one_that_died(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """While the first one's lease holds; what that one still says is of no account."""
    _town, campaign = busy
    replay_id = asked(committed, campaign)
    with transaction(committed) as session:
        begun = replays._begin(session, replay_id, at=clock.now())
        assert begun is not None
    died = replays._Working(committed, begun, ends=float("inf"))

    assert work(committed, replay_id) is None
    with transaction(committed) as session:
        session.get_one(CampaignReplay, replay_id).leased_until = clock.now()
    assert work(committed, replay_id) is ReplayState.DONE

    with pytest.raises(Superseded):
        died.give_up()
    assert seen(committed, replay_id).state == ReplayState.DONE


def test_it_does_not_go_on_for_ever(
    committed: SessionFactory, busy: tuple[Town, Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes too long, or breaks off too often, has failed; another may be asked for."""
    _town, campaign = busy
    monkeypatch.setattr(replays, "TIME_LIMIT", timedelta(microseconds=1))
    slow = asked(committed, campaign)
    monkeypatch.setattr(replayed_queries, "prepare", lambda *_a, **_k: None)
    assert work(committed, slow) is ReplayState.FAILED
    monkeypatch.undo()
    broken = asked(committed, campaign)
    with transaction(committed) as session:
        session.get_one(CampaignReplay, broken).attempt_count = WORK.most_attempts

    assert work(committed, broken) is ReplayState.FAILED
    ended = [seen(committed, one) for one in (slow, broken)]
    assert {one.state for one in ended} == {ReplayState.FAILED}
    assert [one.reason for one in ended] == [Reason.TOOK_TOO_LONG, Reason.BROKE_OFF]
    assert asked(committed, campaign) not in {slow, broken}


def test_a_statement_that_would_outlast_the_lease_is_given_up(
    committed: SessionFactory, busy: tuple[Town, Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a second worker would begin with the same while the first one waits for it."""
    _town, campaign = busy
    replay_id = asked(committed, campaign)
    monkeypatch.setattr(replays, "STATEMENT_LIMIT", timedelta(milliseconds=1))

    assert work(committed, replay_id) is ReplayState.FAILED
    assert seen(committed, replay_id).state == ReplayState.FAILED


def test_it_may_be_cancelled(committed: SessionFactory, busy: tuple[Town, Campaign]) -> None:
    """Also while a worker is at it, which then stops; one that is over stays as it is."""
    _town, campaign = busy
    replay_id = asked(committed, campaign)
    with transaction(committed) as session:
        begun = replays._begin(session, replay_id, at=clock.now())
        assert begun is not None
    working = replays._Working(committed, begun, ends=float("inf"), told_at=0.0)
    working.reached(begun.since + timedelta(days=3.5))
    assert seen(committed, replay_id).share_done == pytest.approx(0.5)

    for _ in range(2):
        with transaction(committed) as session:
            grant = may_write(session, campaign)
            replays.cancel(session, campaign.id, replay_id, grant=grant, at=clock.now())

    working.told_at = 0.0
    with pytest.raises(Superseded):
        working.reached(begun.asked_at)
    assert seen(committed, replay_id).state == ReplayState.CANCELLED
    assert work(committed, replay_id) is None


def test_the_relay_is_handed_what_waits_and_old_ones_go(
    committed: SessionFactory, busy: tuple[Town, Campaign]
) -> None:
    """Once for each lease; those that are over are deleted in due time, others are not."""
    _town, campaign = busy
    done = asked(committed, campaign)
    work(committed, done)
    waiting = asked(committed, campaign)
    at = clock.now()
    with transaction(committed) as session:
        first = WORK.queue.hand_out(session, at=at, lease=WORK.lease, limit=9)
        again = WORK.queue.hand_out(session, at=at, lease=WORK.lease, limit=9)
        WORK.queue.put_back(session, [waiting], at=at)
        back = WORK.queue.hand_out(session, at=at, lease=WORK.lease, limit=9)

    gone = retention.apply(committed, settings=SETTINGS, at=at + timedelta(days=7, minutes=1))

    assert (first, again, back) == ([waiting], [], [waiting])
    assert gone["replays"] == 1
    assert seen(committed, waiting).state == ReplayState.QUEUED
