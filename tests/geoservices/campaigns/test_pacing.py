"""What counts towards caps and cooldowns: whose, of which class, where, and since when."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.campaigns.cooldowns import CooldownPer, Spot, looks_at
from geoservices.campaigns.pacing import Telling, last_told, told_by, told_by_campaign
from geoservices.campaigns.rules import CampaignClass, Cap, Limits
from tests.factories import NOON

HOUR = timedelta(hours=1)
LIMITS = Limits(
    max_age=timedelta(minutes=15),
    person_cap=Cap(messages=6, within=24 * HOUR),
    class_caps={CampaignClass.OFFER: Cap(messages=3, within=12 * HOUR)},
    place_cap=Cap(messages=3, within=6 * HOUR),
)
CENTRE = Spot(place_id=uuid4(), parent_id=None)
LIBRARY = Spot(place_id=uuid4(), parent_id=CENTRE.place_id)
THEATRE = Spot(place_id=uuid4(), parent_id=CENTRE.place_id)
ROOM = Spot(place_id=uuid4(), parent_id=LIBRARY.place_id)
MUSEUM = Spot(place_id=uuid4(), parent_id=None)
POOL = Spot(place_id=uuid4(), parent_id=None)
OFFER = Telling(
    person_id=uuid4(),
    campaign_id=uuid4(),
    campaign_class=CampaignClass.OFFER,
    spot=LIBRARY,
    told_at=NOON,
    visit_goes_on=False,
)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        pytest.param(LIBRARY, LIBRARY, True, id="itself"),
        pytest.param(LIBRARY, THEATRE, True, id="two parts of one centre"),
        pytest.param(LIBRARY, CENTRE, True, id="a part and the whole"),
        pytest.param(ROOM, LIBRARY, True, id="a room and its library"),
        pytest.param(ROOM, CENTRE, False, id="a room and what its library is in"),
        pytest.param(ROOM, THEATRE, False, id="a room and what is beside its library"),
        pytest.param(MUSEUM, POOL, False, id="two that are part of nothing"),
        pytest.param(MUSEUM, LIBRARY, False, id="one that is, and one that is not"),
    ],
)
def test_places_belong_together_by_their_parents(one: Spot, other: Spot, *, together: bool) -> None:
    """Whichever of them somebody was at first."""
    assert one.belongs_with(other) is other.belongs_with(one) is together
    assert looks_at(one, other, CooldownPer.PARENT_PLACE) is together
    assert looks_at(one, other, CooldownPer.PLACE) is (one == other)
    assert looks_at(one, other, CooldownPer.CAMPAIGN)


@pytest.mark.parametrize("per", CooldownPer)
def test_what_is_about_no_place_cools_down_too(per: CooldownPer) -> None:
    """A run about nothing in particular minds the one before it, and nothing told somewhere."""
    nowhere = Spot(place_id=None, parent_id=None)

    assert looks_at(nowhere, nowhere, per)
    assert looks_at(MUSEUM, nowhere, per) is (per is CooldownPer.CAMPAIGN)
    assert looks_at(nowhere, LIBRARY, per) is (per is CooldownPer.CAMPAIGN)


@pytest.mark.parametrize(
    ("hours", "counts"),
    [
        pytest.param(0, (1, 1, 1), id="just now"),
        pytest.param(-0.01, (1, 1, 1), id="by another who decides at the same time"),
        pytest.param(5.99, (1, 1, 1), id="within all windows"),
        pytest.param(6, (1, 1, 0), id="the window of places is over"),
        pytest.param(12, (1, 0, 0), id="that of the class as well"),
        pytest.param(24, (0, 0, 0), id="all are"),
    ],
)
def test_each_cap_has_a_rolling_window_of_its_own(
    hours: float, counts: tuple[int, int, int]
) -> None:
    """From the moment on, to the microsecond."""
    at = NOON + timedelta(hours=hours)

    told = told_by([OFFER], place_id=LIBRARY.place_id, is_member=False, limits=LIMITS, at=at)

    assert (told.in_window, told.of_class.get(CampaignClass.OFFER, 0), told.here) == counts


def test_caps_look_at_their_own_place_and_class() -> None:
    """A class without a cap counts towards the person's; critical work of a member nowhere."""
    tellings = [
        OFFER,
        replace(OFFER, spot=THEATRE),
        replace(OFFER, campaign_class=CampaignClass.SERVICE),
        replace(OFFER, campaign_class=CampaignClass.CRITICAL),
    ]

    members, citizens = (
        told_by(tellings, place_id=LIBRARY.place_id, is_member=is_member, limits=LIMITS, at=NOON)
        for is_member in (True, False)
    )

    assert (members.in_window, members.here) == (3, 2)
    assert (citizens.in_window, citizens.here) == (4, 3)
    assert members.of_class == citizens.of_class == {CampaignClass.OFFER: 2}


CAMPAIGNS = [UUID(int=number) for number in range(3)]
SPOTS = [LIBRARY, THEATRE, ROOM, CENTRE, MUSEUM]


@given(
    st.lists(
        st.tuples(st.sampled_from(CAMPAIGNS), st.sampled_from(SPOTS), st.integers(0, 40)),
        max_size=12,
    ),
    st.sampled_from(CAMPAIGNS),
    st.sampled_from(SPOTS),
    st.sampled_from(CooldownPer),
)
def test_the_last_that_counts_is_found(
    told: list[tuple[UUID, Spot, int]], campaign_id: UUID, spot: Spot, per: CooldownPer
) -> None:
    """The same as looking at every one."""
    tellings = [
        replace(OFFER, campaign_id=by, spot=where, told_at=NOON - hours * HOUR)
        for by, where, hours in sorted(told, key=lambda one: -one[2])
    ]
    counting = [
        one for one in tellings if one.campaign_id == campaign_id and looks_at(one.spot, spot, per)
    ]
    cap = Cap(messages=1, within=20 * HOUR)

    last = last_told(tellings, campaign_id, spot=spot, per=per)

    assert (last.told_at if last else None) == max((one.told_at for one in counting), default=None)
    assert told_by_campaign(tellings, campaign_id, cap, at=NOON) == sum(
        by == campaign_id and hours < 20 for by, _, hours in told
    )
