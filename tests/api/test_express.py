"""The short way for pings: what takes it, and that it answers as the long way does."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.types import Message, Receive, Scope, Send

from api import express
from api.app import Application
from geoservices.errors import Unauthenticated
from geoservices.pings.models import Ping
from tests.api.asking import ping

OF_EACH_REQUEST = {"x-request-id"}


@pytest.fixture
def long_way(application: FastAPI, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of requests that went the long way."""
    assert isinstance(application, Application)
    taken: list[str] = []

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        taken.append(scope["path"])
        await application.answer_fully(scope, receive, send)

    monkeypatch.setattr(application.express, "app", noting)
    return taken


def test_ordinary_pings_are_answered_by_the_short_way(citizen: Client, long_way: list[str]) -> None:
    """Alone and in a batch."""
    one = citizen.post("/v1/pings", json=ping())
    batch = citizen.post("/v1/pings", json={"pings": [ping(), ping()]})

    assert (one.status_code, batch.status_code) == (200, 200)
    assert long_way == []


def test_the_headers_of_both_ways_are_the_same(
    citizen: Client, long_way: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody need know which way an answer came."""
    sent = ping()
    citizen.post("/v1/pings", json=sent)
    short = citizen.post("/v1/pings", json=sent)
    assert long_way == []
    monkeypatch.setattr(express, "read_pings", lambda _body: None)

    long = citizen.post("/v1/pings", json=sent)

    assert long_way == ["/v1/pings"]
    assert short.json() == long.json()
    assert short.headers.keys() == long.headers.keys()
    assert {key: short.headers[key] for key in short.headers.keys() - OF_EACH_REQUEST} == {
        key: long.headers[key] for key in long.headers.keys() - OF_EACH_REQUEST
    }


def test_what_the_short_way_cannot_take_in_the_long_way_refuses(
    citizen: Client, long_way: list[str]
) -> None:
    """With the problem document that the short way has no words for."""
    answer = citizen.post("/v1/pings", json=ping(), headers={"Authorization": "Bearer gsd_nobody"})

    assert answer.json()["type"].endswith(Unauthenticated.code)
    assert long_way == ["/v1/pings"]


def test_a_phone_that_goes_away_in_the_middle_of_its_body_leaves_nothing(
    application: FastAPI, citizen: Client, session: Session
) -> None:
    """What has come of it is no request."""
    token = citizen.headers["Authorization"].encode()
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/pings",
        "query_string": b"",
        "headers": [
            (b"authorization", token),
            (b"content-type", b"application/json"),
            (b"content-length", b"300"),
        ],
    }
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"id": "', "more_body": True},
        {"type": "http.disconnect"},
    ]
    answered: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        answered.append(message)

    asyncio.run(application(scope, receive, send))

    assert answered == []
    assert session.scalar(select(func.count()).select_from(Ping)) == 0
