"""Several hundred people: they check in, come by, and look at their screens, whatever fails.

They do as phones do: what is not answered is asked again, with the same ids.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import httpx2

from geoservices import clock
from local.actors import Caller, Phone
from local.browser import Browser
from tests.journeys import auditing
from tests.journeys.auditing import Message, Occasion, Post, Street

PATIENCE = timedelta(minutes=2)
"""How long to ask again for; then something is wrong beyond a mishap."""
AT_ONCE = 8
RECEIPTS_AT_ONCE = 100


def insist(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    """Ask until there is an answer, and one that does not mean to ask again.

    Raises:
        AssertionError: There was none for as long as anybody waits, or it is a refusal.
    """
    give_up_at = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            answer = ask()
        except httpx2.TransportError as error:
            told: object = error
        else:
            told = answer.status_code
            if not answer.is_server_error:
                assert answer.is_success, answer.text
                return answer
        assert time.monotonic() < give_up_at, told
        time.sleep(random.uniform(0.05, 0.4))  # noqa: S311


class Screen:
    """One browser of a person's, and what it got."""

    def __init__(self, push: str, *, awake: bool, tells: bool) -> None:
        """Make a browser.

        Args:
            push: Its push service.
            awake: Whether it reads its messages as they come, or all at the end.
            tells: Whether it tells of them. Who is awake and does not, may get a message again.
        """
        self.browser = Browser(push)
        self.awake = awake
        self.tells = tells
        self.living = True
        self.token = ""
        self.messages: list[Message] = []
        self.said: dict[str, set[str]] = {}

    def subscribe(self, key: str) -> dict[str, object]:
        """Subscribe at the push service, and return what the service is to be told."""
        subscription = self.browser.subscribe(key)
        self.token = str(subscription["endpoint"]).rpartition("/")[2]
        return {**subscription, "application_server_key": key}

    def end(self) -> None:
        """Unsubscribe at the push service, and tell nobody else."""
        self.living = False
        self.browser.unsubscribe()

    def read(self, *kinds: str) -> list[dict[str, Any]]:
        """Show what has come, and return what a service worker then says of it."""
        said = []
        for document in self.browser.messages():
            shown = cast("dict[str, Any]", document["notification"])
            notification = UUID(shown["navigate"].rpartition("/")[2]).hex
            self.messages.append(Message(tag=shown["tag"], notification=notification))
            self.said.setdefault(notification, set()).update(kinds)
            said += [
                {
                    "token": shown["data"]["receipt"],
                    "kind": kind,
                    "occurred_at": clock.now().isoformat(),
                }
                for kind in kinds
            ]
        return said


class Person(Phone):
    """Somebody with a phone, and perhaps a second browser on it."""

    def __init__(self, api: str, push: str, *, number: int) -> None:
        """Give every fifth two browsers; of four people one sleeps, and two tell nothing."""
        super().__init__(api, push)
        awake, tells = number % 4 != 0, number % 4 < 2
        self.screens = [
            Screen(push, awake=awake, tells=tells) for _ in range(1 + (number % 5 == 0))
        ]
        self.check_ins: list[str] = []
        self.came_by = False

    def close(self) -> None:
        """Let go of the connections."""
        for screen in self.screens:
            screen.browser.close()
        super().close()

    def join(self, consents: Mapping[str, str], key: str) -> None:
        """Agree to what is asked, and be pushed to on every screen."""
        for purpose, version in consents.items():
            self.ask("PUT", f"/v1/consents/{purpose}", json={"text_version": version})
        for screen in self.screens:
            self.ask("POST", "/v1/subscriptions", json=screen.subscribe(key))

    def check_in(self, place: Mapping[str, Any]) -> None:
        """Check in at the place's door."""
        lon, lat = place["geometry"]["coordinates"]
        body = {
            "id": str(uuid4()),
            "place_id": place["id"],
            "position": {"lon": lon, "lat": lat, "accuracy_m": 5},
        }
        insist(lambda: self.http.post("/v1/check-ins", json=body))
        self.check_ins.append(body["id"])

    def come_by(self, place: Mapping[str, Any]) -> None:
        """Be first seen at the place, twice within two seconds."""
        lon, lat = place["geometry"]["coordinates"]
        pings = [
            {
                "id": str(uuid4()),
                "recorded_at": (clock.now() - timedelta(seconds=ago)).isoformat(),
                "lon": lon,
                "lat": lat,
                "accuracy_m": 5 + ago,
            }
            for ago in (2, 1)
        ]
        insist(lambda: self.http.post("/v1/pings", json={"pings": pings}))
        self.came_by = True


class Crowd:
    """All of them."""

    def __init__(self, api: str, push: str, *, size: int, seed: int) -> None:
        """Have so many people, who agree to everything and are subscribed."""
        self.api = api
        self.seed = seed
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self.people = list(
                pool.map(lambda number: Person(api, push, number=number), range(size))
            )
            first = self.people[0]
            versions = {
                shown["purpose"]: shown["text_version"]
                for shown in first.ask("GET", "/v1/consents")
                if shown["purpose"] in {"check-in-content", "nearby"}
            }
            key = first.ask("GET", "/v1/push/key")["application_server_key"]
            list(pool.map(lambda person: person.join(versions, key), self.people))

    @property
    def screens(self) -> list[Screen]:
        """Every screen of everyone."""
        return [screen for person in self.people for screen in person.screens]

    def close(self) -> None:
        """Let go of all connections."""
        for person in self.people:
            person.close()

    def live(self, part: int, place: Mapping[str, Any], *, until: float, pause: timedelta) -> None:
        """Let every `AT_ONCE`th of the people do one thing after the other.

        Args:
            part: Which of them: 0 to `AT_ONCE` - 1.
            place: Where they are.
            until: The end, on the monotonic clock.
            pause: How long to rest in between, on average.
        """
        rng = random.Random(f"people {part} {self.seed}")  # noqa: S311
        people = self.people[part::AT_ONCE]
        while time.monotonic() < until:
            person = rng.choice(people)
            if not person.came_by and rng.random() < 0.3:
                person.come_by(place)
            elif rng.random() < 0.005 and person.screens[-1].living:
                person.screens[-1].end()
            else:
                person.check_in(place)
            time.sleep(rng.uniform(0, 2) * pause.total_seconds())

    def look(self, *, tells: bool, until: float) -> None:
        """Let those who are awake read what comes, and their browsers tell of it or not."""
        awake = [screen for screen in self.screens if screen.awake and screen.tells == tells]
        with Caller(self.api) as caller:
            while time.monotonic() < until:
                for screen in awake:
                    say(caller, screen.read(*["shown"] * tells))
                time.sleep(0.1)

    def look_at_everything(self) -> None:
        """Let everyone read what there is; a third of it is clicked, and some is put away."""
        with Caller(self.api) as caller:
            for number, screen in enumerate(self.screens):
                kinds = (("shown",), ("clicked", "shown"), ("shown", "dismissed"))[number % 3]
                say(caller, screen.read(*kinds))

    def street(self, campaigns: Mapping[str, str], posts: Iterable[Mapping[str, Any]]) -> Street:
        """Return what is known from outside.

        Args:
            campaigns: What each campaign watches for, by its id.
            posts: The push service's log.
        """
        intended = [
            Occasion(str(person.id), campaign, what)
            for person in self.people
            for campaign, trigger in campaigns.items()
            for what in (
                person.check_ins if trigger == "checked-in" else ["entered"] * person.came_by
            )
        ]
        return Street(
            intended=intended,
            browsers={
                screen.token: auditing.Browser(str(person.id), living=screen.living)
                for person in self.people
                for screen in person.screens
            },
            posts=[
                Post(post["token"], post["topic"], post["status"], bool(post["message_id"]))
                for post in posts
            ],
            messages={screen.token: screen.messages for screen in self.screens},
            said={
                (screen.token, notification): frozenset(kinds)
                for screen in self.screens
                for notification, kinds in screen.said.items()
            },
        )


def say(caller: Caller, receipts: list[dict[str, Any]]) -> None:
    """Send receipts, each batch of them twice; all are taken."""
    for start in range(0, len(receipts), RECEIPTS_AT_ONCE):
        body = {"receipts": receipts[start : start + RECEIPTS_AT_ONCE]}
        for _ in range(2):
            answer = insist(lambda: caller.http.post("/v1/receipts", json=body))  # noqa: B023
            assert {one["status"] for one in answer.json()["results"]} == {"taken"}
