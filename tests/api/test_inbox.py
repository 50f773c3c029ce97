"""The inbox over HTTP: folders, reading, archiving, snoozing, and counting what is unread."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geoservices.campaigns.models import Decision
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.progress import PushProgress, progress_of
from geoservices.deliveries.states import DeliveryState
from geoservices.notifications.models import Notification, NotificationKind
from tests.api.asking import now
from tests.api.conftest import with_token
from tests.api.world import World, make_world
from tests.factories import make_device, make_person


@pytest.fixture
def world(session: Session) -> World:
    """Somebody who was told of something."""
    return make_world(session)


@pytest.fixture
def owner(anyone: Client, world: World) -> Client:
    """Who it is."""
    return with_token(anyone, world.token)


@pytest.fixture
def path(world: World) -> str:
    """Where the notification is."""
    return f"/v1/notifications/{world.ids['notification_id']}"


def folders(client: Client) -> dict[str, int]:
    """How many are in each folder."""
    return {
        name: len(client.get("/v1/notifications", params={"folder": name}).json()["items"])
        for name in ("inbox", "snoozed", "archive", "all")
    }


def unread(client: Client) -> int:
    """How many are unread."""
    count: int = client.get("/v1/notifications/unread").json()["unread"]
    return count


def test_a_new_notification_is_unread_in_the_inbox(owner: Client, path: str) -> None:
    """Which is what is listed unless another folder is asked for; seeing it changes nothing."""
    told = owner.get(path).json()

    assert (told["read_at"], told["archived_at"], told["snoozed_until"]) == (None, None, None)
    assert folders(owner) == {"inbox": 1, "snoozed": 0, "archive": 0, "all": 1}
    assert owner.get("/v1/notifications").json()["items"] == [told]
    assert unread(owner) == 1


def test_it_is_read_archived_and_put_back(owner: Client, path: str) -> None:
    """Each by itself; the answer is the notification as it is now."""
    read = owner.patch(path, json={"read": True}).json()
    archived = owner.patch(path, json={"archived": True}).json()
    in_archive = folders(owner)
    back = owner.patch(path, json={"archived": False, "read": False}).json()

    assert read["read_at"]
    assert archived["archived_at"]
    assert archived["read_at"] == read["read_at"]
    assert in_archive == {"inbox": 0, "snoozed": 0, "archive": 1, "all": 1}
    assert (back["read_at"], back["archived_at"]) == (None, None)
    assert back == owner.get(path).json()


def test_doing_it_again_changes_nothing(owner: Client, path: str) -> None:
    """The first time counts."""
    wanted = {
        "read": True,
        "archived": True,
        "snoozed_until": (now() + timedelta(days=1)).isoformat(),
    }

    first, second = (owner.patch(path, json=wanted) for _ in range(2))

    assert first.status_code == 200
    assert first.json() == second.json()


def test_it_is_snoozed_and_comes_back_unread(
    owner: Client, session: Session, world: World, path: str
) -> None:
    """By itself, when its time has come."""
    wanted = {"read": True, "snoozed_until": (now() + timedelta(hours=1)).isoformat()}
    snoozed = owner.patch(path, json=wanted).json()
    away = folders(owner)
    notification = session.get_one(Notification, world.ids["notification_id"])
    assert notification.read_at
    notification.snoozed_until = now()
    notification.read_at -= timedelta(minutes=1)
    session.commit()

    back = owner.get(path).json()

    assert snoozed["snoozed_until"]
    assert away == {"inbox": 0, "snoozed": 1, "archive": 0, "all": 1}
    assert folders(owner) == {"inbox": 1, "snoozed": 0, "archive": 0, "all": 1}
    assert (back["read_at"], back["snoozed_until"]) == (None, None)
    assert unread(owner) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"snoozed_until": "2020-01-01T00:00:00Z"}, "snooze-refused", id="past"),
        pytest.param({"snoozed_until": "2999-01-01T00:00:00Z"}, "snooze-refused", id="far"),
        pytest.param({"snoozed_until": "tomorrow"}, "invalid-request", id="no time"),
        pytest.param({"snoozed_until": "2999-01-01T00:00:00"}, "invalid-request", id="no offset"),
        pytest.param({"read": "yes"}, "invalid-request", id="no boolean"),
        pytest.param({"read": None}, "invalid-request", id="null"),
        pytest.param({"title": "Mine"}, "invalid-request", id="unknown"),
        pytest.param({}, "invalid-request", id="nothing"),
        pytest.param([], "invalid-request", id="no object"),
    ],
)
def test_what_makes_no_sense_is_refused(owner: Client, path: str, body: Any, code: str) -> None:
    """And nothing changes, also of what did make sense."""
    before = owner.get(path).json()
    wanted = {"read": True, **body} if body and "read" not in body else body

    answer = owner.patch(path, json=wanted)

    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{code}")
    assert owner.get(path).json() == before


def test_someone_elses_is_not_there(owner: Client, stranger: Client, path: str) -> None:
    """As one that does not exist."""
    theirs = stranger.patch(path, json={"read": True})
    nobodys = stranger.patch(f"/v1/notifications/{uuid4()}", json={"read": True})

    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert unread(owner) == 1
    assert unread(stranger) == 0


def test_all_of_ones_own_are_read_at_once(owner: Client, stranger: Client) -> None:
    """Again and again."""
    by_another = stranger.post("/v1/notifications/read-all").status_code
    before = unread(owner)
    answers = [owner.post("/v1/notifications/read-all").status_code for _ in range(2)]

    assert (by_another, before) == (204, 1)
    assert answers == [204, 204]
    assert unread(owner) == 0


def test_an_unknown_folder_is_refused(owner: Client) -> None:
    """With its name as the field."""
    answer = owner.get("/v1/notifications", params={"folder": "spam"})

    assert (answer.status_code, answer.json()["field"]) == (422, "/folder")


def test_folders_have_pages(owner: Client, session: Session, world: World, path: str) -> None:
    """`next` keeps to its folder."""
    first = session.get_one(Notification, world.ids["notification_id"])
    for number in range(4):
        session.add(
            Notification(
                organisation_id=first.organisation_id,
                person_id=first.person_id,
                decision_id=_another_decision(session, first),
                listing_id=first.listing_id,
                campaign_class=first.campaign_class,
                title=f"Number {number}",
                body="",
                created_at=first.created_at + timedelta(minutes=number + 1),
                expires_at=first.expires_at,
            )
        )
    session.commit()
    owner.patch(path, json={"archived": True})
    titles: list[str] = []
    address = "/v1/notifications?folder=inbox&limit=3"
    while address:
        page = owner.get(address).json()
        titles += [one["title"] for one in page["items"]]
        address = page["next"]

    assert titles == [f"Number {number}" for number in (3, 2, 1, 0)]


def _another_decision(session: Session, like: Notification) -> Any:
    first = session.get_one(Decision, like.decision_id)
    decision = Decision(
        id=uuid4(),
        organisation_id=first.organisation_id,
        campaign_id=first.campaign_id,
        version=1,
        trigger=first.trigger,
        person_id=first.person_id,
        place_id=first.place_id,
        reason="again",
        gates_passed=[],
        detail={},
        decided_at=first.decided_at,
    )
    session.add(decision)
    session.flush()
    return decision.id


def test_it_says_what_became_of_the_push(owner: Client, path: str) -> None:
    """The push service has it."""
    assert owner.get(path).json()["push"] == "sent"


S = DeliveryState


@pytest.mark.parametrize(
    ("states", "progress"),
    [
        (set(), PushProgress.NONE),
        ({S.QUEUED}, PushProgress.WAITING),
        ({S.SENDING, S.FAILED}, PushProgress.WAITING),
        ({S.ACCEPTED, S.QUEUED}, PushProgress.SENT),
        ({S.SHOWN}, PushProgress.SENT),
        ({S.CLICKED, S.GONE}, PushProgress.SENT),
        ({S.DISMISSED}, PushProgress.SENT),
        ({S.FAILED}, PushProgress.FAILED),
        ({S.GONE, S.EXPIRED}, PushProgress.FAILED),
    ],
)
def test_the_best_of_all_browsers_counts(
    states: set[DeliveryState], progress: PushProgress
) -> None:
    """One that has it is enough, and one that may still get it is worth waiting for."""
    assert progress_of(states) is progress
    assert progress_of({state.value for state in states}) is progress


def test_every_state_has_its_word() -> None:
    """None is taken for a failure because it was forgotten."""
    failed = {state for state in S if progress_of({state}) is PushProgress.FAILED}

    assert failed == {S.EXPIRED, S.GONE, S.FAILED}


def bundled(session: Session, world: World) -> UUID:
    """Have the notification be pushed with another, and return the bundle's id."""
    told = session.get_one(Notification, world.ids["notification_id"])
    first = session.scalars(select(Decision).where(Decision.id == told.decision_id)).one()
    bundle = Notification(
        kind=NotificationKind.BUNDLE,
        person_id=told.person_id,
        campaign_class=told.campaign_class,
        title="",
        body="",
        created_at=now(),
        expires_at=told.expires_at,
    )
    again = Decision(
        **{
            column.key: getattr(first, column.key)
            for column in Decision.__table__.columns
            if column.key not in {"id", "follows_id", "transition_id", "check_in_id"}
        }
    )
    session.add_all([bundle, again])
    session.flush()
    other = Notification(
        organisation_id=told.organisation_id,
        person_id=told.person_id,
        listing_id=told.listing_id,
        decision_id=again.id,
        campaign_class=told.campaign_class,
        title="Another thing",
        body="Come in.",
        created_at=now(),
        expires_at=told.expires_at,
        bundle_id=bundle.id,
    )
    session.execute(
        update(Delivery)
        .where(Delivery.notification_id == told.id)
        .values(notification_id=bundle.id, state=DeliveryState.SHOWN)
    )
    told.bundle_id = bundle.id
    session.add(other)
    session.commit()
    return bundle.id


def test_a_bundle_tells_what_is_in_it_and_is_in_no_folder(
    owner: Client, session: Session, world: World, path: str
) -> None:
    """It can be asked for, as the link of its push leads to it, and never be put anywhere."""
    bundle_id = bundled(session, world)

    bundle = owner.get(f"/v1/notifications/{bundle_id}").json()
    members = owner.get(
        "/v1/notifications", params={"folder": "all", "bundle_id": str(bundle_id)}
    ).json()["items"]

    assert bundle["kind"] == "bundle"
    assert bundle["title"] == "2 things at Exeter Library"
    assert sorted(bundle["body"].splitlines()) == sorted(one["title"] for one in members)
    assert folders(owner) == {"inbox": 2, "snoozed": 0, "archive": 0, "all": 2}
    assert unread(owner) == 2
    assert {one["bundle_id"] for one in members} == {str(bundle_id)}
    refused = owner.patch(f"/v1/notifications/{bundle_id}", json={"archived": True})
    assert refused.status_code == 404
    nothing = owner.get("/v1/notifications", params={"bundle_id": str(uuid4())}).json()["items"]
    assert nothing == []
    assert owner.get(path).json()["bundle_id"] == str(bundle_id)


def test_what_became_of_the_push_is_told_of_each_message_in_it(
    owner: Client, session: Session, world: World
) -> None:
    """The bundle's deliveries are theirs."""
    bundle_id = bundled(session, world)
    items = owner.get("/v1/notifications").json()["items"]
    bundle = owner.get(f"/v1/notifications/{bundle_id}").json()

    assert len(items) == 2
    assert {one["push"] for one in items} == {bundle["push"]}
    assert all(one["deliveries"] == bundle["deliveries"] for one in items)


def test_a_bundle_of_somebody_elses_tells_nothing(
    anyone: Client, session: Session, world: World
) -> None:
    """Neither itself nor what is in it."""
    bundle_id = bundled(session, world)
    _, token = make_device(session, make_person(session))
    session.commit()
    other = with_token(anyone, token)

    assert other.get(f"/v1/notifications/{bundle_id}").status_code == 404
    listed = other.get("/v1/notifications", params={"bundle_id": str(bundle_id)}).json()
    assert listed["items"] == []
