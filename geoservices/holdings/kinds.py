"""The inventory: every table that holds something of a person, and why the others hold nothing."""

from geoservices.holdings.activities import ACTIVITIES
from geoservices.holdings.inventory import Fate, Holding, Inventory
from geoservices.holdings.messages import MESSAGES

SECRET = "A secret of which only a mark is kept; it would let others act as you."  # noqa: S105
AUTOMATIC = "We wrote it down when it happened; there is nothing in it to correct."

OF_THE_PERSON = (
    Holding(
        kind="person",
        table="people",
        column="id",
        title="You",
        why="What we must know to tell you anything at the right time. Kept until you erase it.",
        correction="PUT /v1/preferences changes time zone and quiet hours. Who belongs to an "
        "organisation asks an admin there to change name or role.",
        told={
            "id": "The number by which we know you",
            "organisation_id": "The organisation you belong to, if any",
            "role": "What you are to us",
            "name": "Your name, if you belong to an organisation",
            "email": "By which address your organisation knows you",
            "reach": "Which of its places you manage, if not all",
            "disabled_at": "When your organisation let you in no more",
            "time_zone": "Your time zone",
            "quiet_from": "From when on you are not disturbed, by your clock",
            "quiet_until": "Until when",
            "created_at": "Since when we know you",
        },
    ),
    Holding(
        kind="consents",
        table="consents",
        column="person_id",
        title="What you agreed to",
        why="Nothing is done without it. Kept as proof, withdrawn ones too, until you erase it.",
        correction="DELETE /v1/consents/{purpose} withdraws one. What you once said is not "
        "rewritten.",
        told={
            "id": "The number of this consent",
            "purpose": "What for",
            "text_version": "Which version of the words you saw",
            "given_at": "When you agreed",
            "withdrawn_at": "When you withdrew it",
        },
        order=("given_at", "id"),
    ),
    Holding(
        kind="sign-ins",
        table="sign_ins",
        column="person_id",
        title="Where you are signed in",
        why="So that you need not sign in for each request. Kept until you erase it.",
        correction="A sign-in that is not yours can be ended.",
        told={
            "id": "The number of this sign-in",
            "kind": "How you signed in",
            "label": "What it is called",
            "created_at": "When you signed in",
            "last_used_at": "When it was last used",
            "expires_at": "When it ends by itself",
            "revoked_at": "When it was ended",
        },
        withheld={"token_hash": SECRET, "provider_session": SECRET},
        order=("created_at", "id"),
    ),
    Holding(
        kind="devices",
        table="devices",
        column="person_id",
        title="Your phones and browsers",
        why="So that we know a request is yours. Kept until you erase it; the last position goes "
        "after a day.",
        correction="PATCH /v1/devices/me changes the label and what it shares.",
        told={
            "id": "The number of this device",
            "label": "What you call it",
            "places_only": "Whether it shares places only, and no positions",
            "created_at": "Since when we know it",
            "token_made_at": "When it got the token it has now; empty while that is its first",
            "revoked_at": "When its token was ended",
            "followed_until": "The time of the last position or arrival it told us of",
            "fix_at": "When it was where it was last",
            "fix_lon": "Where it was last, longitude in degrees",
            "fix_lat": "Where it was last, latitude in degrees",
            "fix_accuracy_m": "How exact that is, in metres",
        },
        withheld={"token_hash": SECRET},
        order=("created_at", "id"),
    ),
    Holding(
        kind="other-tokens",
        table="other_tokens",
        column="device_id",
        of=("devices",),
        title="Tokens your devices had before, and those they get next",
        why="So that we notice if somebody else uses one. Kept until you erase it.",
        correction=AUTOMATIC,
        told={
            "device_id": "Which of your devices",
            "made_at": "When it was made",
            "ended_at": "When another took its place; empty for the next one",
        },
        withheld={"token_hash": SECRET},
        order=("made_at", "token_hash"),
    ),
    Holding(
        kind="joining-codes",
        table="joining_codes",
        column="person_id",
        title="A code by which another device of yours may join",
        why="So that your second phone becomes yours. Gone within minutes.",
        correction="The next one takes its place.",
        told={
            "device_id": "Which of your devices shows it",
            "expires_at": "Until when it is good",
        },
        withheld={"mark": SECRET},
        order=("person_id",),
    ),
    Holding(
        kind="teams",
        table="team_members",
        column="person_id",
        title="The teams you are in",
        why="So that your team leads see who is in their team. Kept until you leave.",
        correction="An admin of your organisation changes it.",
        told={"team_id": "Which team"},
        order=("team_id",),
    ),
    Holding(
        kind="identities",
        table="identities",
        column="person_id",
        title="How your organisation's identity provider knows you",
        why="So that you can sign in with it. Kept until you erase it.",
        correction="Your organisation's identity provider says it.",
        told={
            "id": "The number of this identity",
            "organisation_id": "Your organisation",
            "issuer": "Which identity provider",
            "subject": "What it calls you",
            "created_at": "When you first signed in with it",
            "signed_in_at": "When you last did",
        },
        order=("created_at", "id"),
    ),
    Holding(
        kind="api-keys-you-made",
        table="api_keys",
        column="created_by",
        title="Keys for machines that you made",
        why="So that your organisation knows who made one. The keys are your organisation's, and "
        "stay without you.",
        correction="DELETE /v1/api-keys/{key_id} ends one, if you may.",
        told={
            "id": "The number of this key",
            "organisation_id": "Whose key it is",
            "name": "What it is called",
            "created_at": "When you made it",
        },
        withheld=dict.fromkeys(
            (
                *("prefix", "secret_hash", "previous_hash", "previous_until", "scopes", "reach"),
                *("expires_at", "last_used_at", "revoked_at"),
            ),
            "It is about the machine.",
        ),
        order=("created_at", "id"),
        fate=Fate.UNNAMED,
    ),
    Holding(
        kind="places-you-shared",
        table="place_shares",
        column="shared_by",
        title="Places that you shared with a partner of your organisation's",
        why="So that your organisation knows who did. The share is your organisation's, and stays "
        "without you.",
        correction="DELETE /v1/places/{place_id}/shares/{organisation_slug} ends one, if you may.",
        told={
            "organisation_id": "Whose place it is",
            "place_id": "Which place",
            "shared_at": "When you shared it",
        },
        withheld=dict.fromkeys(
            ("id", "partner_id", "statistics", "ended_at"), "It is about the organisations."
        ),
        order=("shared_at", "id"),
        fate=Fate.UNNAMED,
    ),
    Holding(
        kind="phone-apps",
        table="phone_links",
        column="device_id",
        of=("devices",),
        title="Apps that report for your phone",
        why="So that the app of your choice can say where you are. Kept until you erase it.",
        correction="DELETE /v1/devices/me/phone-links/{link_id} ends one.",
        told={
            "id": "The number of this link",
            "device_id": "Which of your devices it reports for",
            "app": "Which app",
            "encrypted": "Whether it encrypts what it sends",
            "created_at": "When you linked it",
            "revoked_at": "When it was ended",
        },
        withheld={"token_hash": SECRET},
        order=("created_at", "id"),
    ),
    Holding(
        kind="places-given-to-your-phone",
        table="handed_regions",
        column="device_id",
        of=("devices",),
        title="That your phone was given places to watch",
        why="So that it is not given the same ones again. What we keep shows neither the places "
        "nor where you were: without your phone's own token nobody can read it.",
        correction="It changes with the next places your phone is given.",
        told={
            "device_id": "Which of your devices",
            "cell_m": "How wide the area is that the places lie in, in metres",
        },
        withheld={
            "mark": "Only your phone's token makes sense of it.",
            "cell": "Only your phone's token makes sense of it.",
        },
        order=("device_id",),
    ),
    Holding(
        kind="positions",
        table="pings",
        column="device_id",
        of=("devices",),
        title="Where your devices were",
        why="To find out whether you came to a place. Kept for a day by default, and deleted at "
        "once when you withdraw the consents that allow it.",
        correction="A position is what your phone measured, so it is not changed. To have them "
        "deleted, share places only (PATCH /v1/devices/me) or withdraw the consent.",
        told={
            "id": "The number your phone gave it",
            "device_id": "Which of your devices",
            "recorded_at": "When your phone measured it",
            "received_at": "When it reached us",
            "lon": "Longitude in degrees",
            "lat": "Latitude in degrees",
            "accuracy_m": "How exact it is, in metres",
            "speed_mps": "How fast you were, in metres a second",
            "heading_deg": "Which way you went, in degrees from north",
            "signs": "What makes it doubtful, as bits; 0 is nothing",
        },
        order=("recorded_at", "device_id", "id"),
    ),
    Holding(
        kind="exports",
        table="exports",
        column="person_id",
        title="Copies of your data that you asked for",
        why="So that you can download them. Deleted after a week by default.",
        correction=AUTOMATIC,
        told={
            "id": "The number of this copy",
            "state": "How far it has come",
            "rows_written": "How many rows were written; each is written twice, as JSON and CSV",
            "rows_to_write": "How many there are to write",
            "size_bytes": "How large the file is, in bytes",
            "attempt_count": "How often making it was begun",
            "created_at": "When you asked for it",
            "ready_at": "When it was ready",
            "expires_at": "When it is deleted",
        },
        withheld={
            "due_at": "When a machine of ours looks at it next.",
            "leased_until": "Until when a machine of ours works on it.",
        },
        order=("created_at", "id"),
    ),
    Holding(
        kind="export-files",
        table="export_chunks",
        column="export_id",
        of=("exports",),
        title="Those copies themselves, in parts",
        why="The file is kept in parts until it is deleted.",
        correction=AUTOMATIC,
        told={"export_id": "Of which copy", "number": "Which part of it"},
        withheld={"data": "It is what GET /v1/me/exports/{export_id}/file gives you."},
        order=("export_id", "number"),
    ),
)

INVENTORY = Inventory(holdings=(*OF_THE_PERSON, *ACTIVITIES, *MESSAGES))
"""What is held about people, and where; see, export and erase are driven by it."""

NOTHING = {
    "organisations": "A council or library service, not a person.",
    "places": "A public place, with its public address.",
    "geofences": "An area round a place.",
    "geofence_revision": "A counter.",
    "codes": "A poster, tag or screen at a place.",
    "listings": "An offer, event or task at a place, as an organisation wrote it.",
    "campaigns": "What an organisation tells people in general.",
    "teams": "A part of an organisation, by its name.",
    "oidc_spent": "Marks of what identity providers said and may be used once.",
    "spendings": "How often somebody asked for something, under a keyed mark; gone once it is "
    "given back, within a day at most by default.",
    "push_origins": "How a push service answers us, over all browsers.",
    "erasures": "Who was erased, as a keyed mark that tells nobody who it was. Only while an "
    "erasure is under way it also names the person, who can then see nothing any more.",
}
"""Tables that hold nothing of a person, and why."""
