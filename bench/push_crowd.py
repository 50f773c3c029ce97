"""Many people with a browser each, and notifications that wait to be pushed to them."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BROWSER_KEYS = 1000
"""So many browsers have keys of their own; making a key takes longer than storing a person."""

SERVICE = """
INSERT INTO organisations (id, slug, name, time_zone, created_at)
    VALUES (%(organisation)s, 'bench', 'Bench', 'Europe/London', now());
INSERT INTO places (id, organisation_id, source, external_id, name, category, point, time_zone,
    words, digest, created_at, updated_at)
    VALUES (%(place)s, %(organisation)s, 'bench', '1', 'Library', 'library', 'POINT(-3.5 50.7)',
            'Europe/London', 'library', '', now(), now());
INSERT INTO listings (id, organisation_id, place_id, kind, title, text, evidence_needed, starts_at,
    created_at)
    VALUES (%(listing)s, %(organisation)s, %(place)s, 'offer', 'A free hot drink', '',
            'self-declared', now(), now());
INSERT INTO campaigns (id, organisation_id, listing_id, name, purpose, campaign_class, version,
    created_at, published_at)
    VALUES (%(campaign)s, %(organisation)s, %(listing)s, 'bench', 'nearby', 'offer', 1, now(),
            now());
"""
PEOPLE = """
WITH people AS (
    INSERT INTO people (id, role, time_zone, created_at)
    SELECT gen_random_uuid(), 'citizen', 'Europe/London', now() FROM generate_series(1, %(count)s)
    RETURNING id
), devices AS (
    INSERT INTO devices (id, person_id, token_hash, created_at)
    SELECT gen_random_uuid(), id, sha256(uuid_send(id)), now() FROM people
    RETURNING id
), numbered AS MATERIALIZED (
    SELECT id, row_number() OVER () AS number FROM devices
), keys AS MATERIALIZED (
    SELECT key, number FROM unnest(%(keys)s::bytea[]) WITH ORDINALITY AS one (key, number)
)
INSERT INTO subscriptions
    (id, device_id, endpoint, endpoint_hash, p256dh, auth, vapid_key, created_at, updated_at)
SELECT gen_random_uuid(), id, %(base)s || numbered.number,
    sha256(convert_to(%(base)s || numbered.number, 'UTF8')), key,
    decode(repeat('ab', 16), 'hex'), %(vapid_key)s, now(), now()
FROM numbered JOIN keys ON keys.number = 1 + numbered.number %% %(kinds)s
"""
TOLD = """
WITH browsers AS MATERIALIZED (
    SELECT s.id AS subscription_id, v.person_id,
        row_number() OVER (ORDER BY s.id) - 1 AS number
    FROM subscriptions s JOIN devices v ON v.id = s.device_id
), told AS (
    SELECT gen_random_uuid() AS decision_id, gen_random_uuid() AS notification_id,
        person_id, subscription_id
    FROM generate_series(0, %(count)s - 1) AS one
    JOIN browsers ON number = one %% %(people)s
), decided AS (
    INSERT INTO decisions (id, organisation_id, campaign_id, version, trigger, person_id, place_id,
        reason, gates_passed, detail, decided_at)
    SELECT decision_id, %(organisation)s, %(campaign)s, 1, 'entered', person_id, %(place)s,
        'Every gate', '{}', '{}', now() FROM told
), notified AS (
    INSERT INTO notifications (id, organisation_id, person_id, decision_id, listing_id,
        campaign_class, title, body, created_at, expires_at)
    SELECT notification_id, %(organisation)s, person_id, decision_id, %(listing)s, 'offer',
        'A free hot drink', 'Show this at the café on the ground floor before noon.', now(),
        now() + interval '4 hours' FROM told
)
INSERT INTO deliveries (id, notification_id, subscription_id, state, attempt_count, created_at,
    due_at, expires_at)
SELECT gen_random_uuid(), notification_id, subscription_id, 'queued', 0, now(), '9000-01-01',
    now() + interval '4 hours' FROM told
"""
DUE = """
WITH due AS (UPDATE deliveries SET due_at = now() WHERE due_at = '9000-01-01' RETURNING id)
SELECT count(*), pg_notify('geoservices_due', '') FROM due
"""
READY = "SELECT id FROM deliveries WHERE due_at = '9000-01-01'"
WAITING = "SELECT count(*) FROM deliveries WHERE state IN ('queued', 'sending')"


@dataclass(frozen=True, slots=True)
class Crowd:
    """The people of one database."""

    connection: psycopg.Connection
    service: dict[str, UUID]
    people: int

    @classmethod
    def gather(cls, url: str, people: int, *, base: str, vapid_key: str) -> "Crowd":
        """Store people with a browser each.

        Args:
            url: A migrated, empty database's.
            people: How many.
            base: What each endpoint starts with; a number follows.
            vapid_key: Our public key, with which all of them subscribed.
        """
        connection = psycopg.connect(url, autocommit=True)
        names = ("organisation", "place", "listing", "campaign")
        service = {name: uuid4() for name in names}
        keys = [_public_key() for _ in range(BROWSER_KEYS)]
        with connection.transaction(), psycopg.ClientCursor(connection) as cursor:
            cursor.execute(SERVICE, service)
        given = {"count": people, "base": base, "vapid_key": vapid_key}
        connection.execute(PEOPLE, {**given, "keys": keys, "kinds": len(keys)})
        connection.execute("ANALYZE")
        return cls(connection, service, people)

    def tell(self, count: int) -> None:
        """Have so many notifications ready, none of them due yet."""
        self.connection.execute(TOLD, {**self.service, "count": count, "people": self.people})
        self.connection.execute("ANALYZE")

    def let_go(self) -> int:
        """Make all that is ready due at once; return how many that is."""
        row = self.connection.execute(DUE).fetchone()
        return int(row[0]) if row else 0

    def forget(self) -> None:
        """Delete all that was told; the people stay."""
        self.connection.execute("TRUNCATE decisions, notifications CASCADE")

    def ready(self) -> list[UUID]:
        """Return the ids of all that is ready."""
        return [id_ for (id_,) in self.connection.execute(READY)]

    def waiting(self) -> int:
        """Count the deliveries that have not ended."""
        row = self.connection.execute(WAITING).fetchone()
        return int(row[0]) if row else 0


def _public_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
