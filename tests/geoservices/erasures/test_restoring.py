"""A backup brings people back, and replaying the list erases them: proven by dumps."""

import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select, text

from geoservices import clock
from geoservices.accounts.models import Device
from geoservices.database import SessionFactory, make_engine, make_session_factory, transaction
from geoservices.erasures import service
from geoservices.letters.models import EmailAddress
from geoservices.subscriptions.models import Subscription
from local.distribution import find_postgres
from tests import commanding
from tests.api.world import World, make_world
from tests.conftest import make_database, make_migrated_database
from tests.pinging import make_pings
from tests.writing import SETTINGS


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs."""
    found = find_postgres()
    if found is None:
        pytest.skip("PostgreSQL's programs are not installed")
    return str(found.bin / name)


def dump(url: str) -> str:
    """Everything that is in a database."""
    return subprocess.run(
        [program("pg_dump"), "--data-only", url], capture_output=True, text=True, check=True
    ).stdout


def run(url: str, *command: str, given: str = "") -> commanding.Done:
    """Run one of the operator's commands as they would."""
    return commanding.run(
        *command,
        given=given,
        env={
            "GEOSERVICES_DATABASE_URL": url,
            "GEOSERVICES_BROKER_URL": "redis://127.0.0.1:1/0",
            "GEOSERVICES_PUSH__VAPID_PRIVATE_KEY": (
                SETTINGS.push.vapid_private_key.get_secret_value()
            ),
            "GEOSERVICES_PUSH__VAPID_CONTACT": SETTINGS.push.vapid_contact,
            "GEOSERVICES_CODES__KEY": SETTINGS.codes.key.get_secret_value(),
        },
    )


@pytest.fixture
def urls(server_url: str, worker_id: str) -> Iterator[tuple[str, str]]:
    """A database in use, and an empty one to restore into."""
    names = [f"test_{purpose}_{worker_id}" for purpose in ("used", "restored")]
    used, restored = names
    yield make_migrated_database(server_url, used), make_database(server_url, restored)
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in names:
            dropping = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(dropping)


def traces(sessions: SessionFactory, world: World) -> list[str]:
    """Whatever would show that somebody was there, as a dump would spell it."""
    with transaction(sessions) as session:
        device = session.get_one(Device, world.device.id)
        subscription = session.get_one(Subscription, world.ids["subscription_id"])
        pings = session.execute(
            text("SELECT id FROM pings WHERE device_id = :id LIMIT 5"), {"id": device.id}
        )
        found = [str(world.person.id), str(device.id), device.token_hash.hex(), "Anna's own phone"]
        found += [subscription.endpoint, "anna.herself@example.org"]
        found += map(str, pings.scalars())
    own = ("visit", "check_in", "subscription", "link", "decision", "notification", "delivery")
    return found + [str(world.ids[f"{name}_id"]) for name in (*own, "export")]


def test_after_a_restore_the_erased_are_erased_again(urls: tuple[str, str]) -> None:
    """Backup, erase, restore elsewhere, replay: nothing of them is in a full dump."""
    used, restored = urls
    engine = make_engine(used)
    sessions = make_session_factory(engine)
    with sessions() as session:
        mine, theirs = make_world(session), make_world(session, "dorset")
        session.get_one(Device, mine.device.id).label = "Anna's own phone"
        address = session.scalars(
            select(EmailAddress).where(EmailAddress.person_id == mine.person.id)
        )
        address.one().address = "anna.herself@example.org"
        # Of people of other tests, marked with no key.
        session.execute(text("DELETE FROM erasures"))
        make_pings(session, mine.device.id, 50)
        make_pings(session, theirs.device.id, 50)
        session.commit()
    traced = traces(sessions, mine)
    others = str(theirs.person.id)
    before = dump(used)
    assert [trace for trace in traced if trace not in before] == []

    backup = subprocess.run(
        [program("pg_dump"), "--format", "custom", used], capture_output=True, check=True
    ).stdout
    with transaction(sessions) as session:
        asked = service.ask_for(session, mine.person.id, settings=SETTINGS, at=clock.now())
    service.carry_out(sessions, asked.id)
    engine.dispose()
    after = dump(used)
    assert [trace for trace in traced if trace in after] == []
    assert others in after
    listed = run(used, "erasures", "export")
    assert listed.returncode == 0
    assert str(mine.person.id) not in listed.stdout

    subprocess.run(
        [program("pg_restore"), "--no-owner", "--dbname", restored], input=backup, check=True
    )
    back = dump(restored)
    assert [trace for trace in traced if trace not in back] == []
    replayed = run(restored, "erasures", "replay", given=listed.stdout)

    assert replayed.returncode == 0, replayed.stderr
    assert "erased again: 1," in replayed.stdout
    clean = dump(restored)
    assert [trace for trace in traced if trace in clean] == []
    assert others in clean
    assert run(restored, "erasures", "export").stdout == listed.stdout
    assert "erased again: 0," in run(restored, "erasures", "replay", given=listed.stdout).stdout


def test_a_list_of_another_key_or_none_erases_nobody(urls: tuple[str, str]) -> None:
    """Rather than find nobody and say that all is well."""
    used, _restored = urls
    engine = make_engine(used)
    with make_session_factory(engine)() as session:
        make_world(session)
    engine.dispose()

    strange = run(used, "erasures", "replay", given=run(used, "erasures", "export").stdout)
    none = run(used, "erasures", "replay", given="not a list")

    assert strange.returncode == none.returncode == 1
    assert "made with another code key" in strange.stderr
    assert "Nobody was erased" in strange.stderr
    assert "Nothing was erased" in none.stderr
