"""The inventory's entries of how members sign in with a password."""

from geoservices.holdings.inventory import Holding

SECRET = "A secret of which only a mark is kept; it would let others act as you."  # noqa: S105

CREDENTIALS = (
    Holding(
        kind="account",
        table="local_accounts",
        column="person_id",
        title="Your account with a password",
        why="So that you can sign in. Kept until you erase it, or your organisation removes you.",
        correction="You set another password; an admin of your organisation changes the username.",
        told={
            "username": "What you sign in as",
            "password_set_at": "When you set your password",
            "totp_confirmed_at": "Since when signing in takes a second factor",
            "created_at": "Since when there is this account",
        },
        withheld={
            "password_hash": SECRET,
            "totp_sealed": "The secret of your second factor, sealed.",
            "totp_step": "Which code was taken last, so that none is taken twice.",
        },
        order=("created_at", "person_id"),
    ),
    Holding(
        kind="recovery-codes",
        table="recovery_codes",
        column="person_id",
        title="Codes for when your second factor is lost",
        why="So that you can sign in all the same. Kept until you make new ones.",
        correction="New ones take their place.",
        told={"used_at": "When it was used"},
        withheld={"code_hash": SECRET},
        order=("person_id", "code_hash"),
    ),
    Holding(
        kind="password-links",
        table="password_links",
        column="person_id",
        title="Links by which you can set a password",
        why="So that you can set your first one, or another one. Gone once used, or too old.",
        correction="They go by themselves.",
        told={
            "kind": "What for",
            "created_at": "When it was made",
            "expires_at": "Until when it is good",
        },
        withheld={"token_hash": SECRET},
        order=("created_at", "token_hash"),
    ),
)
