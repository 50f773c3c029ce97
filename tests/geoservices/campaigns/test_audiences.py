"""Whom a campaign is for, and what the lot does."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from geoservices.access.rights import Role
from geoservices.accounts.models import Purpose
from geoservices.campaigns.audiences import Listener, fits
from geoservices.campaigns.chances import Draw, lot, pick
from geoservices.campaigns.definitions import (
    Audience,
    Channel,
    Text,
    Variant,
    Visited,
)
from geoservices.campaigns.rules import Cap, Gate
from geoservices.members.models import Team, TeamMember
from tests.campaigning import World
from tests.factories import NOON, make_person

CAMPAIGN = UUID(int=7)
DAY = timedelta(days=1)
TEAM = UUID(int=8)


def hears(audience: dict[str, Any], **about: Any) -> bool:
    """Whether somebody who comes at noon is one of the audience."""
    known: dict[str, Any] = {
        "person_id": UUID(int=1),
        "role": "citizen",
        "language": "en-GB",
        "team_ids": (),
        "skills": (),
        "came": (),
    }
    return fits(
        Audience(**{"roles": (Role.CITIZEN,), **audience}),
        Listener(**{**known, **about}),
        campaign_id=CAMPAIGN,
        occurred_at=NOON,
    )


@pytest.mark.parametrize(
    ("audience", "about", "heard"),
    [
        pytest.param({}, {}, True, id="anybody of the role"),
        pytest.param({}, {"role": "staff"}, False, id="another role"),
        pytest.param({"team_ids": (TEAM,)}, {"team_ids": {TEAM}}, True, id="in the team"),
        pytest.param({"team_ids": (TEAM,)}, {"team_ids": {CAMPAIGN}}, False, id="in another team"),
        pytest.param({"languages": ("cy",)}, {"language": "cy-GB"}, True, id="of the language"),
        pytest.param({"languages": ("cy",)}, {}, False, id="of another language"),
        pytest.param({"visited": Visited.NEW}, {}, True, id="never there"),
        pytest.param({"visited": Visited.RETURNING}, {}, False, id="never there, to return"),
        pytest.param(
            {"visited": Visited.RETURNING}, {"came": [NOON - DAY]}, True, id="there the day before"
        ),
        pytest.param(
            {"visited": Visited.NEW, "visited_within": DAY},
            {"came": [NOON - 2 * DAY]},
            True,
            id="there too long ago to count",
        ),
        pytest.param(
            {"visited": Visited.NEW}, {"came": [NOON - DAY / 3]}, True, id="there this morning"
        ),
    ],
)
def test_an_audience_is_who_fits_all_of_it(
    audience: dict[str, Any], about: dict[str, Any], *, heard: bool
) -> None:
    """Each part alone."""
    assert hears(audience, **about) is heard


def test_lots_are_even_and_stay() -> None:
    """By person, by campaign and by what they are drawn for, each by itself."""
    people = [uuid4() for _ in range(4000)]
    lots = [lot(Draw.SAMPLE, CAMPAIGN, person) for person in people]
    others = [lot(Draw.HOLD_OUT, CAMPAIGN, person) for person in people]

    in_both = sum(one < 0.5 and other < 0.5 for one, other in zip(lots, others, strict=True))

    assert lots == [lot(Draw.SAMPLE, CAMPAIGN, person) for person in people]
    assert all(0 <= one < 1 for one in lots)
    assert abs(sum(one < 0.3 for one in lots) / len(lots) - 0.3) < 0.04
    assert abs(in_both / len(people) - 0.25) < 0.04


@pytest.mark.parametrize(
    ("chance", "picked"), [(0.0, 0), (0.249, 0), (0.25, 1), (0.999999999999, 1)]
)
def test_variants_are_picked_by_weight(chance: float, picked: int) -> None:
    """One in four gets the first."""
    assert pick([1, 3], chance) == picked


def test_somebody_outside_the_audience_is_not_decided_about(world: World) -> None:
    """By team and by whether they came before, read once for a batch."""
    team = Team(organisation_id=world.organisation.id, name="Caretakers", created_at=NOON)
    world.session.add(team)
    staff = [
        make_person(world.session, Purpose.STAFF_TASKS, organisation=world.organisation)
        for _ in range(2)
    ]
    world.session.flush()
    world.session.add(TeamMember(team_id=team.id, person_id=staff[0].id))
    citizens = [make_person(world.session, Purpose.NEARBY) for _ in range(2)]
    world.leaves(world.enters(citizens[0], minute=-60 * 24), minute=-60 * 23)
    for_team = world.campaign(
        purpose=Purpose.STAFF_TASKS, audience=Audience(roles=(Role.STAFF,), team_ids=(team.id,))
    )
    for_returning = world.campaign(
        audience=Audience(roles=(Role.CITIZEN,), visited=Visited.RETURNING)
    )

    sent = world.decide(*(world.enters(person) for person in [*staff, *citizens]))

    assert [(one.campaign_id, one.person_id) for one in sent] == [
        (for_team.id, staff[0].id),
        (for_returning.id, citizens[0].id),
    ]
    assert len(world.gates()) == 2


def test_who_is_held_out_is_decided_about_like_all_others(world: World) -> None:
    """The last gate holds them, so that they are whom the others are compared with."""
    world.campaign(audience=Audience(roles=(Role.CITIZEN,), hold_out=0.5))
    people = [make_person(world.session, Purpose.NEARBY) for _ in range(60)]

    sent = world.decide(*(world.enters(person) for person in people))

    gates = world.gates()
    assert gates.count(Gate.HOLD_OUT) == 60 - len(sent)
    assert 10 < len(sent) < 50


def test_a_campaigns_own_cap_holds_over_its_window(world: World) -> None:
    """Decisions of the same batch count too."""
    world.campaign(cooldown=timedelta(0), cap=Cap(messages=1, within=timedelta(hours=10)))
    person = make_person(world.session, Purpose.NEARBY)
    first, second = (world.enters(person, minute=minute) for minute in (0, 1))
    for occasion in (first, second):
        world.leaves(occasion, minute=2)

    world.decide(first, second, minute=3)
    later = world.enters(person, minute=60 * 11)

    assert world.gates() == [None, Gate.CAMPAIGN_CAP]
    assert len(world.decide(later, minute=60 * 11)) == 1


def test_everybody_is_told_in_their_language_and_always_the_same_variant(world: World) -> None:
    """With the place's name, and as the campaign would have it reach them."""
    texts = {
        "en-GB": Text(title="{listing}", body="At {place}."),
        "cy": Text(title="{listing}", body="Yn {place}."),
    }
    content = tuple(Variant(name=name, texts=texts) for name in ("a", "b"))
    campaign = world.campaign(content=content, channel=Channel.INBOX, cooldown=timedelta(0))
    people = [make_person(world.session, Purpose.NEARBY) for _ in range(20)]
    for person in people[::2]:
        person.language = "cy-GB"

    messages = world.messages(*(world.enters(person) for person in people))

    assert [one.text.body[:2] for one in messages] == ["Yn", "At"] * 10
    assert messages[0].text.title == world.listing.title
    assert not any(one.pushed for one in messages)
    variants = {one.decision.variant for one in messages}
    assert variants == {"a", "b"}
    for one in messages:
        chosen = pick([1, 1], lot(Draw.VARIANT, campaign.id, one.decision.person_id))
        assert one.decision.variant == content[chosen].name
