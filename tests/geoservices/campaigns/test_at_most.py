"""Campaigns that tell so many people at most: exactly so many, whoever comes at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import time, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select, text

from geoservices import pipeline
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Purpose
from geoservices.campaigns import beginning, deciding, queries, run_queries, running, service
from geoservices.campaigns.definitions import AfterHolding, Audience
from geoservices.campaigns.models import Campaign, CampaignSeats, Decision, HeldMessage
from geoservices.campaigns.rules import Gate, Trigger
from geoservices.campaigns.run_models import CampaignRun
from geoservices.database import SessionFactory, make_engine, make_session_factory, transaction
from tests.campaigning import LIMITS, World, make_world
from tests.factories import NOON, make_person, may
from tests.walking import SETTINGS

CLIENTS = 50


def for_at_most(number: int, *, hold_out: float = 0.0) -> Audience:
    """Citizens, so many at most."""
    return Audience(roles=(Role.CITIZEN,), at_most=number, hold_out=hold_out)


def test_whoever_comes_first_is_told_and_again(world: World) -> None:
    """Two of three, one of whom comes twice and counts once; the third learns why."""
    campaign = world.campaign(audience=for_at_most(2), cooldown=timedelta(0))
    first, second, third = (make_person(world.session, Purpose.NEARBY) for _ in range(3))
    hour = 60
    once = world.enters(first)
    world.leaves(once, minute=1)

    together = world.decide(once, world.enters(second))
    later = world.decide(
        world.enters(third, minute=hour), world.enters(first, minute=hour), minute=hour
    )

    assert [one.person_id for one in (*together, *later)] == [first.id, second.id, first.id]
    [held] = world.session.scalars(select(Decision).where(Decision.gate.is_not(None)))
    assert (held.person_id, held.gate, held.detail) == (third.id, Gate.AT_MOST, {"at_most": 2})
    assert held.reason == "The campaign has told as many people as it tells in all, 2."
    assert world.session.get_one(CampaignSeats, campaign.id).taken == 2


def test_who_is_held_out_takes_nobodys_seat(world: World) -> None:
    """While there is room the lot holds people; once there is none, this gate holds them all."""
    # So many that the lot cannot but fall on some.
    world.campaign(audience=for_at_most(20, hold_out=0.5))
    people = [make_person(world.session, Purpose.NEARBY) for _ in range(100)]

    sent = world.decide(*(world.enters(person) for person in people))

    gates = world.gates()
    assert len(sent) == 20
    assert 0 < gates.count(Gate.HOLD_OUT) < 80
    assert gates.count(Gate.AT_MOST) == 80 - gates.count(Gate.HOLD_OUT)


@pytest.mark.parametrize("most", [7, 80])
def test_exactly_so_many_are_told_with_fifty_at_once(
    committed: SessionFactory, database_url: str, most: int
) -> None:
    """Fifty transactions tell two people each: no one is over, and none is lost.

    They meet two such campaigns, in either order, and none waits for ever for another.
    """
    with transaction(committed) as session:
        world = make_world(session)
        campaigns = [world.campaign(audience=for_at_most(most)).id for _ in range(2)]
        pairs = [
            [world.enters(make_person(session, Purpose.NEARBY)) for _ in range(2)]
            for _ in range(CLIENTS)
        ]
    engine = make_engine(database_url, pool_size=CLIENTS)
    sessions = make_session_factory(engine)
    together = Barrier(CLIENTS)

    def come(number: int) -> int:
        with transaction(sessions) as session:
            # What is asked is whether it is exact, not how long fifty wait on a busy machine.
            session.execute(text("SET LOCAL lock_timeout = '100s'"))
            session.execute(text("SET LOCAL statement_timeout = '100s'"))
            together.wait(timeout=60)
            return len(deciding.triggered_by(session, pairs[number], limits=LIMITS, at=NOON))

    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = sum(pool.map(come, range(CLIENTS)))
    engine.dispose()

    with committed() as session:
        told = session.execute(
            select(Decision.campaign_id, Decision.person_id).where(Decision.gate.is_(None))
        ).all()
        seats = {one.campaign_id: one.taken for one in session.scalars(select(CampaignSeats))}
    assert sent == len(told) == len(set(told)) == 2 * most
    assert seats == dict.fromkeys(campaigns, most)


def test_whoever_changes_a_campaign_keeps_nobody_from_deciding(committed: SessionFactory) -> None:
    """Nor whoever asks for a run or a replay of it: people, and its seats, are held meanwhile."""
    with transaction(committed) as session:
        world = make_world(session)
        campaign = world.campaign(audience=for_at_most(1))
        occasion = world.enters(make_person(session, Purpose.NEARBY))

    with committed() as changing, transaction(committed) as session:
        queries.hold(changing, changing.get_one(Campaign, campaign.id))
        session.execute(text("SET LOCAL lock_timeout = '1s'"))
        assert len(deciding.triggered_by(session, [occasion], limits=LIMITS, at=NOON)) == 1


def test_a_run_goes_on_while_what_it_held_back_is_released(committed: SessionFactory) -> None:
    """Both want the run and the seats, and take them in one order, so that neither fails."""
    later = NOON + timedelta(hours=1)
    with transaction(committed) as session:
        world = make_world(session)
        campaign = world.campaign(
            trigger=Trigger.NOW, audience=for_at_most(3), after_holding=AfterHolding.RELEASE
        )
        for _ in range(4):
            person = make_person(session, Purpose.NEARBY)
            person.time_zone, person.quiet_from, person.quiet_until = "UTC", time(11), time(13)
        grant = may(world.organisation, Right.CAMPAIGNS_WRITE)
        run, _ = beginning.begin_now(
            session, campaign.id, run_id=None, grant=grant, smallest=10, at=NOON
        )
    say: dict[str, Any] = {"limits": LIMITS, "limit": 2, "tell": lambda _said, _class: None}
    with transaction(committed) as session:
        running.take_step(session, run.id, at=NOON, **say)
        held = list(session.scalars(select(HeldMessage.decision_id)))
    released: list[int] = []

    def release() -> None:
        with transaction(committed) as session:
            released.append(len(pipeline.release(session, held, settings=SETTINGS, at=later)))

    with transaction(committed) as session:
        run_queries.hold(session, run.id)
        other = Thread(target=release)
        other.start()
        other.join(timeout=0.5)
        sent = running.take_step(session, run.id, at=later, **say).sent
    other.join()

    with committed() as session:
        [seats] = session.scalars(select(CampaignSeats.taken))
        [counted] = session.scalars(select(CampaignRun.sent))
    assert (len(held), len(sent), released) == (2, 2, [1])
    assert seats == counted == 3


def test_fewer_than_before_binds_what_began_before(world: World) -> None:
    """A run under way, what it held back, and occasions of before all go by the new number."""
    late = NOON + timedelta(hours=1)
    grant = may(world.organisation, Right.CAMPAIGNS_WRITE)
    campaign = world.campaign(
        trigger=Trigger.NOW,
        audience=for_at_most(9),
        after_holding=AfterHolding.RELEASE,
    )
    people = [make_person(world.session, Purpose.NEARBY) for _ in range(4)]
    people.sort(key=lambda one: one.id)
    asleep = people[1]
    asleep.time_zone, asleep.quiet_from, asleep.quiet_until = "UTC", time(11), time(13)
    run, _ = beginning.begin_now(
        world.session, campaign.id, run_id=None, grant=grant, smallest=10, at=NOON
    )
    say: dict[str, Any] = {"limits": LIMITS, "limit": 2, "tell": lambda _said, _class: None}
    first = running.take_step(world.session, run.id, at=NOON, **say).sent
    [held] = world.session.scalars(select(HeldMessage.decision_id))

    said = service.draft_of(world.session, campaign, grant=grant).said
    for most in (1, 2):
        definition = replace(said.definition, audience=for_at_most(most))
        service.replace_campaign(
            world.session,
            campaign.id,
            replace(said, definition=definition),
            grant=grant,
            settings=SETTINGS,
            at=NOON,
        )
    second = running.take_step(world.session, run.id, at=NOON, **say).sent
    released = pipeline.release(world.session, [held], settings=SETTINGS, at=late)

    assert [one.decision.person_id for one in (*first, *second)] == [people[0].id, people[2].id]
    assert released == []
    full = select(Decision).where(Decision.gate == Gate.AT_MOST).order_by(Decision.decided_at)
    found = [(one.person_id, one.detail["at_most"]) for one in world.session.scalars(full)]
    assert found == [(people[3].id, 2), (people[1].id, 2)]
