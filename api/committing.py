"""Group commit: requests with pings share transactions, each with an answer of its own.

A commit costs the same for one ping and for hundreds. So a group is whatever queued while the
last one was committed: nobody waits for a timer, and the busier it is the larger the groups are.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import structlog

from api.problems import Unavailable
from geoservices import clock, receiving
from geoservices.database import SessionFactory, is_away, transaction
from geoservices.geofences.live import LiveGeofences
from geoservices.receiving import Intake, Sent
from geoservices.settings.service import Settings

log = structlog.get_logger()

WAITING_LIMIT = 20_000
"""So many requests wait for their group; more are told to come back."""
PINGS_AT_ONCE = 4000
"""A group ends with the request that brings it here."""
TELL_EVERY_S = 60.0
"""How often the log hears how much was taken in; a line for each request costs more than a ping."""


class Committer:
    """Takes requests with pings and commits them in groups, one group at a time."""

    def __init__(self, sessions: SessionFactory, live: LiveGeofences, settings: Settings) -> None:
        self._sessions = sessions
        self._live = live
        self._settings = settings
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane] = WeakKeyDictionary()
        self._tally = _Tally()

    async def take_in(self, sent: Sent) -> Intake:
        """Take in one request with pings; what is returned is committed.

        Raises:
            GeoservicesError: The request was refused; nothing of it was stored.
            Exception: Whatever else went wrong with this one request.
        """
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(loop) or self._lanes.setdefault(loop, _Lane())
        if len(lane.waiting) >= WAITING_LIMIT:
            raise Unavailable
        answer: asyncio.Future[Intake] = loop.create_future()
        lane.waiting.append((sent, answer))
        if lane.working is None or lane.working.done():
            lane.working = asyncio.create_task(self._work(lane))
        return await answer

    async def _work(self, lane: "_Lane") -> None:
        loop = asyncio.get_running_loop()
        while lane.waiting:
            group = lane.next_group()
            taken: Sequence[Intake | Exception]
            try:
                taken = await loop.run_in_executor(None, self._commit, [sent for sent, _ in group])
            except RuntimeError as closing:  # The process is shutting down.
                taken = [closing] * len(group)
            for (_sent, answer), intake in zip(group, taken, strict=True):
                if answer.done():  # Whoever asked has gone.
                    continue
                if isinstance(intake, Exception):
                    answer.set_exception(intake)
                else:
                    answer.set_result(intake)

    def _commit(self, group: Sequence[Sent]) -> Sequence[Intake | Exception]:
        """Commit a group, or else each of its requests by itself."""
        try:
            taken: Sequence[Intake | Exception] = self._take_in(group)
        except Exception as error:  # noqa: BLE001  # Each request gets what it caused itself.
            taken = [error] if len(group) == 1 else self._one_by_one(group, error)
        self._tally.add(taken)
        return taken

    def _one_by_one(self, group: Sequence[Sent], error: Exception) -> list[Intake | Exception]:
        log.warning("group_failed", requests=len(group), error=type(error).__name__)
        taken: list[Intake | Exception] = []
        for number, sent in enumerate(group):
            try:
                taken += self._take_in([sent])
            except Exception as its_own:  # noqa: BLE001  # As above.
                taken.append(its_own)
                if is_away(its_own):
                    # Asking for each of the others would only take longer to say so.
                    return [*taken, *([its_own] * (len(group) - number - 1))]
        return taken

    def _take_in(self, group: Sequence[Sent]) -> Sequence[Intake | Exception]:
        with transaction(self._sessions) as session:
            return receiving.take_in(
                session,
                group,
                live=self._live,
                settings=self._settings,
                at=clock.now(),
                commit=True,
            )


@dataclass(slots=True, weakref_slot=True)
class _Lane:
    """The requests of one event loop; a server has one."""

    waiting: deque[tuple[Sent, asyncio.Future[Intake]]] = field(default_factory=deque)
    working: asyncio.Task[None] | None = None

    def next_group(self) -> list[tuple[Sent, asyncio.Future[Intake]]]:
        """Take what waits, up to so many pings."""
        group: list[tuple[Sent, asyncio.Future[Intake]]] = []
        pings = 0
        while self.waiting and pings < PINGS_AT_ONCE:
            group.append(self.waiting.popleft())
            pings += len(group[-1][0].pings)
        return group


class _Tally:
    """What was taken in since the log was last told."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.since = time.monotonic()
        self.groups = self.requests = self.pings = 0

    def add(self, taken: Sequence[Intake | Exception]) -> None:
        """Count what came of a group, and tell the log from time to time."""
        intakes = [one for one in taken if isinstance(one, Intake)]
        self.groups += 1
        self.requests += len(intakes)
        self.pings += sum(len(intake.verdicts) for intake in intakes)
        if time.monotonic() - self.since >= TELL_EVERY_S:
            log.info(
                "pings_taken_in",
                groups=self.groups,
                requests=self.requests,
                pings=self.pings,
                seconds=round(time.monotonic() - self.since),
            )
            self._begin()
