"""What is taken in from phones, and when somebody counts as being somewhere."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from geoservices.settings.kinds import Certainty, Fraction, KeyText, Metres, Span, SpanOrNone


class CodeSettings(BaseModel, frozen=True, extra="forbid"):
    """What makes codes at places those of this service and of no one else."""

    key: KeyText
    """Seals every code; by way of keys derived from it also the tokens of receipts, what stands in
    letters, consent receipts, the list of who was erased and whatever else is sealed or hidden.

    32 bytes in base64url without padding (`geoservices code-key`).
    """
    old_keys: tuple[KeyText, ...] = ()
    """Keys of before: what they sealed is still read, and nothing is sealed with them."""

    @property
    def secret(self) -> bytes:
        """What is sealed and derived with."""
        return self.key.get_secret_value().encode()

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """What is read with: the present one first."""
        return (self.secret, *(key.get_secret_value().encode() for key in self.old_keys))


class IntakeSettings(BaseModel, frozen=True, extra="forbid"):
    """What is taken in at the door."""

    max_body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    max_batch: Annotated[int, Field(ge=1, le=10_000)] = 1000
    max_vertices: Annotated[int, Field(ge=4)] = 20_000
    """The most vertices a drawn or sent geofence may have."""
    future_tolerance: Span = timedelta(minutes=5)
    """A ping later than now by more than this is refused: the phone's clock is wrong."""
    oldest: Span = timedelta(days=7)
    """A ping older than this is refused: nothing can come of it."""
    ping_retention: Span = timedelta(hours=24)
    """Positions are deleted after this long."""


class PresenceSettings(BaseModel, frozen=True, extra="forbid"):
    """When a device counts as having entered or left (docs/presence.md gives the reasons)."""

    assumed_accuracy_m: Metres = 100
    """Taken where a phone reports no accuracy, or one of 0 or less."""
    arrival_accuracy_limit_m: Metres = 200
    """A position less accurate than this never proves an arrival."""
    credible_accuracy_m: Metres = 3
    """A position that claims to be better than this is no proof by itself."""
    certainty: Certainty = 1.8
    """What is certain lies so many accuracies from the edge: 1.8 holds 97 % of normal errors."""
    reach_m: Metres = 0
    """This close outside, with its circle reaching in, a position may be an arrival; 0: never."""
    confirm_enter_after: SpanOrNone = timedelta(seconds=90)
    """An arrival with a position inside at its end must have lasted this long."""
    confirm_touching_after: SpanOrNone = timedelta(seconds=120)
    """And this long with one at its end that only touches the area."""
    confirm_seldom_after: SpanOrNone = timedelta(minutes=4)
    """This long where no position was inside, of a phone that seldom reports."""
    confirm_enter_within: SpanOrNone = timedelta(seconds=60)
    """An arrival ends with a second position that does not touch when none has for longer.

    A phone that is quiet this long between two positions reports seldom.
    """
    confirm_enter_gap: SpanOrNone = timedelta(minutes=6)
    """Nor does it outlive this much time with nothing heard."""
    exit_certainty: Certainty = 2.2
    """The same for leaving: 2.2 holds 99.6 %, as whoever sits inside for hours is read often."""
    exit_accuracy_cap_m: Metres = 100
    """However inaccurate a position claims to be, it counts as at most this when leaving."""
    exit_margin_m: Metres = 20
    exit_margin_share: Fraction = 0.1
    """Leaving takes this much distance: the larger of the margin and this share of the size."""
    confirm_exit_after: SpanOrNone = timedelta(seconds=120)
    """An exit takes positions far outside for this long, or two and this much quiet after them."""
    silence: Span = timedelta(minutes=30)
    """A visit whose device did not touch the area for this long is closed as inferred."""
    told_silence: Span = timedelta(hours=12)
    """The same for a visit whose phone itself told of having come."""
    dwell_freshness: SpanOrNone = timedelta(minutes=3)
    """A timer only claims dwelling if the device was seen this shortly before it was due."""
    noise_gate: Annotated[float, Field(ge=0, le=10)] = 0
    """Positions moved less than this many times both accuracies are not tested; 0 tests all."""
    crossing_within: SpanOrNone = timedelta(minutes=10)
    """Between two positions further apart in time nothing is taken for crossed."""
    crossing_accuracy_limit_m: Metres = 100
    """Nor between two of which one is less accurate than this."""
    jump_speed_mps: Annotated[float, Field(gt=0, le=10_000)] = 70
    """A position that takes more than this to reach, metres a second, bears the sign of a jump."""

    @model_validator(mode="after")
    def _make_sense_together(self) -> Self:
        if self.credible_accuracy_m > self.arrival_accuracy_limit_m:
            raise ValueError(
                "credible_accuracy_m must not exceed arrival_accuracy_limit_m: "
                "nothing would ever be clearly inside"
            )
        if self.reach_m > self.arrival_accuracy_limit_m:
            raise ValueError(
                "reach_m must not exceed arrival_accuracy_limit_m: what reaches further is "
                "too inaccurate for an arrival"
            )
        if self.confirm_enter_after > self.confirm_touching_after:
            raise ValueError(
                "confirm_enter_after must not exceed confirm_touching_after: "
                "touching the area would prove more than being in it"
            )
        if self.confirm_touching_after > self.confirm_seldom_after:
            raise ValueError(
                "confirm_touching_after must not exceed confirm_seldom_after: "
                "never having been inside would prove more than having been"
            )
        if not self.confirm_enter_within <= self.confirm_enter_gap < self.silence:
            raise ValueError(
                "confirm_enter_gap must be at least confirm_enter_within and shorter than silence"
            )
        if self.confirm_exit_after >= self.silence:
            raise ValueError(
                "confirm_exit_after must be shorter than silence: "
                "saying nothing would end a visit sooner than being far away"
            )
        if self.told_silence < self.silence:
            raise ValueError("told_silence must be at least silence")
        return self


class PhoneSettings(BaseModel, frozen=True, extra="forbid"):
    """What phone apps of others (OwnTracks, Overland, Traccar Client) are given."""

    secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """What the keys of encrypted payloads are derived from; without it none are made."""
    max_regions: Annotated[int, Field(ge=1, le=100)] = 20
    """The most places a phone is asked to watch by itself; iOS watches 20 for an app."""
    min_region_m: Metres = 100
    """The least radius of what a phone watches; both systems miss smaller ones."""


class CampaignSettings(BaseModel, frozen=True, extra="forbid"):
    """Limits that hold for every campaign."""

    max_age: Span = timedelta(minutes=15)
    """Nothing is pushed because of something longer ago than this."""
    person_cap: Annotated[int, Field(ge=1)] = 6
    person_cap_window: Span = timedelta(hours=24)
    """So many notifications to one person in any window this long, members' critical ones apart."""
    offer_cap: Annotated[int, Field(ge=1)] = 3
    offer_cap_window: Span = timedelta(hours=24)
    """So many of the class `offer` among them."""
    service_cap: Annotated[int, Field(ge=1)] = 6
    service_cap_window: Span = timedelta(hours=24)
    """And so many of the class `service`."""
    place_cap: Annotated[int, Field(ge=1)] = 4
    place_cap_window: Span = timedelta(hours=24)
    """So many at one place, members' critical ones apart."""
    longest_wait: Span = timedelta(hours=24)
    """What a campaign holds back and releases later waits no longer than this."""


class EventSettings(BaseModel, frozen=True, extra="forbid"):
    """How people attend events."""

    attend_early: SpanOrNone = timedelta(minutes=30)
    """Whoever checks in so long before the start has come to the event."""


class OfferSettings(BaseModel, frozen=True, extra="forbid"):
    """How offers are redeemed."""

    code_lifetime: Annotated[timedelta, Field(ge=timedelta(minutes=1), le=timedelta(hours=1))] = (
        timedelta(minutes=10)
    )
    """A code counts, and a piece is kept for its person, for so long."""
    check_in_counts: Span = timedelta(hours=1)
    """A check-in unlocks offers of its place for so long."""


class TaskSettings(BaseModel, frozen=True, extra="forbid"):
    """How tasks are done."""

    lease: Annotated[timedelta, Field(ge=timedelta(minutes=1), le=timedelta(days=7))] = timedelta(
        hours=2
    )
    """Whoever claims a task, extends the claim or starts has it for this long."""
    evidence_age: Span = timedelta(hours=4)
    """A check-in speaks for somebody's being at a task's place for this long."""
