"""Acts of people who check in."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

from shapely.geometry import shape

from geoservices import clock
from local.actors import Caller, Phone
from local.story.stage import PUSH_WITHIN, Stage, require, tell_push


def citizen(stage: Stage) -> None:
    """A citizen checks in by button and gets the offer, in the answer and as a push."""
    told = stage.teller.act("b", "(b) A citizen checks in at Barnstaple Library by button.")
    place = stage.place(q="Barnstaple Library")
    offer = stage.manager.announce(
        place["id"],
        kind="offer",
        title="A free hot drink with any book",
        text="Show this at the cafe. One a visit.",
    )
    stage.manager.campaign(
        offer,
        trigger="checked-in",
        audience="citizen",
        purpose="check-in-content",
        campaign_class="offer",
        body="Show this at the cafe in Barnstaple Library today.",
    )
    with Phone(stage.api, stage.push) as phone:
        phone.agree("check-in-content")
        phone.subscribe()
        sent_at = clock.now()
        answer = check_in(phone, place)
        unlocked = [one["listing"]["title"] for one in answer["listings"] if one["unlocked"]]
        stage.teller.say(
            f"    Checked in with the evidence `{answer['evidence']}`; on now: "
            f"{', '.join(unlocked)}."
        )
        told["check_in"] = answer
        message, told["notification"] = phone.await_push(offer["id"], within=PUSH_WITHIN)
        tell_push(stage, told, message, since=sent_at)
    require(offer["title"] in unlocked, "The offer was not in the answer.")
    require(message["notification"]["title"] == offer["title"], "The push is about another thing.")
    told["happened"] = True


def two_tills(stage: Stage) -> None:
    """An offer's code is scanned at two tills at the same moment, and redeemed once."""
    told = stage.teller.act("f", "(f) Two tills scan the same citizen's code at the same moment.")
    place = stage.place(q="Barnstaple Library")
    offer = stage.manager.announce(
        place["id"],
        kind="offer",
        title="A bag of second-hand books",
        text="As much as fits into the bag.",
        stock=500,
        per_person=1,
    )
    with Phone(stage.api, stage.push) as phone:
        phone.agree("check-in-content")
        check_in(phone, place)
        code = phone.ask("POST", f"/v1/offers/{offer['id']}/codes")["code"]
        answers = _scan_at_once(stage, code)
        told["redemptions"] = phone.ask("GET", "/v1/me/redemptions")["items"]
    told["answers"] = sorted(answers)
    require(told["answers"] == ["201", "409 /problems/redemption-code-used"], "Not one and no.")
    require(len(told["redemptions"]) == 1, "It was not redeemed once.")
    stage.teller.say(f"    The answers: {' and '.join(told['answers'])}. Redeemed once.")
    told["happened"] = True


def check_in(phone: Phone, place: dict[str, Any]) -> dict[str, Any]:
    """Check in within a place."""
    inside = shape(place["geofence"]["geometry"]).representative_point()
    answer: dict[str, Any] = phone.ask(
        "POST",
        "/v1/check-ins",
        json={
            "id": str(phone.id),
            "place_id": place["id"],
            "position": {"lon": inside.x, "lat": inside.y, "accuracy_m": 9},
        },
    )
    return answer


def _scan_at_once(stage: Stage, code: str) -> list[str]:
    """Scan a code at two tills, and return what each is told."""
    ready = Barrier(2)

    def scan(till: Caller) -> str:
        ready.wait()
        answer = till.http.post("/v1/redemptions", json={"id": str(uuid4()), "code": code})
        return f"{answer.status_code} {'' if answer.is_success else answer.json()['type']}".strip()

    with Caller(stage.api, stage.staff_token) as till, ThreadPoolExecutor() as pool:
        return list(pool.map(scan, [till, stage.manager]))
