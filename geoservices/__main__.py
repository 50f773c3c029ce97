"""The operator's commands: `geoservices --help`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from geoservices import clock, revoking, rotating
from geoservices.access.rights import MEMBERS, Role
from geoservices.accounts import issuing
from geoservices.accounts import service as accounts
from geoservices.audit import operating as auditing
from geoservices.audit.queries import Wanted
from geoservices.codes.links import make_code_key
from geoservices.credentials.holders import make_member
from geoservices.credentials.links import make_link
from geoservices.credentials.models import LinkKind
from geoservices.database import SessionFactory, make_engine, make_session_factory, transaction
from geoservices.deliveries import operating
from geoservices.erasures import listing
from geoservices.errors import GeoservicesError
from geoservices.push.vapid import make_vapid_key
from geoservices.settings.service import LinkSettings, load_settings
from geoservices.subscriptions.keys import report as key_report

Command = Callable[[argparse.Namespace], str]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; say what was done, or in one line what was wrong."""
    arguments = _parser().parse_args(argv)
    run: Command = arguments.run
    try:
        print(run(arguments))  # noqa: T201
    except ValidationError as error:
        # Its text would quote what was set, secrets too.
        faults = "; ".join(f"{_name(fault)}: {fault['msg']}" for fault in error.errors())
        print(f"geoservices: The settings are not complete. {faults}", file=sys.stderr)  # noqa: T201
        return 1
    except (GeoservicesError, ValueError) as error:
        print(f"geoservices: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="geoservices",
        description="Commands for whoever runs the service. The database is named by "
        "GEOSERVICES_DATABASE_URL; `push keys` and `erasures replay` read the service's other "
        "settings too.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    key = commands.add_parser(
        "vapid-key", help="make a key for GEOSERVICES_PUSH__VAPID_PRIVATE_KEY"
    )
    key.set_defaults(run=_vapid_key)

    code_key = commands.add_parser("code-key", help="make a key for GEOSERVICES_CODES__KEY")
    code_key.set_defaults(run=_code_key)

    sign_in_key = commands.add_parser("sign-in-key", help="make a key for GEOSERVICES_SIGN_IN__KEY")
    sign_in_key.set_defaults(run=_code_key)

    _add_keys(commands)
    push = commands.add_parser("push", help="see to keys and push services")
    of_push = push.add_subparsers(required=True, metavar="ACTION")
    keys = of_push.add_parser(
        "keys", help="say how many browsers use each VAPID key, and which old one can be dropped"
    )
    keys.set_defaults(run=_push_keys)
    services = of_push.add_parser("services", help="say how each push service stands")
    services.set_defaults(run=_push_services)
    trust = of_push.add_parser(
        "trust", help="believe a push service for a day that so many subscriptions have ended"
    )
    trust.add_argument("origin", help="as `push services` lists it: https://push.example")
    trust.set_defaults(run=_trust_push_service)

    organisation = commands.add_parser("organisation", help="manage organisations")
    create = organisation.add_subparsers(required=True, metavar="ACTION").add_parser(
        "create", help="make an organisation; one that exists is left as it is"
    )
    create.add_argument("slug", help="short name for commands, such as devon")
    create.add_argument("--name", required=True)
    create.add_argument("--time-zone", default="Europe/London", help="IANA name")
    create.set_defaults(run=_create_organisation)

    token = commands.add_parser(
        "token", help="print a bearer token of a member's, who is made if there is none such"
    )
    token.add_argument("--organisation", required=True, metavar="SLUG")
    token.add_argument(
        "--role", choices=sorted(MEMBERS), type=Role, help="of a member who is to be made"
    )
    token.add_argument("--name", required=True, help="whose token it is: a name, or an address")
    token.add_argument("--days", type=int, default=90, help="days until it expires (90)")
    token.set_defaults(run=_issue_token)

    account = commands.add_parser(
        "account", help="print a link by which a member sets their password; a new name is made one"
    )
    account.add_argument("--organisation", required=True, metavar="SLUG")
    account.add_argument("--role", required=True, choices=sorted(MEMBERS), type=Role)
    account.add_argument("--name", required=True, help="whose account it is")
    account.add_argument("--username", required=True, help="what they sign in with")
    account.set_defaults(run=_invite)
    erasures = commands.add_parser(
        "erasures", help="keep the list of who was erased, and erase them again after a restore"
    )
    of_erasures = erasures.add_subparsers(required=True, metavar="ACTION")
    of_erasures.add_parser(
        "export", help="print the list, to keep apart from backups"
    ).set_defaults(run=_export_erasures)
    of_erasures.add_parser(
        "replay", help="erase whoever is on a list, given by standard input, or on the database's"
    ).set_defaults(run=_replay_erasures)

    revoke = commands.add_parser(
        "revoke",
        help="end every sign-in, device and calendar link of a member who leaves or lost theirs",
    )
    revoke.add_argument("--organisation", required=True, metavar="SLUG")
    revoke.add_argument("--name", required=True, help="their name or e-mail address")
    revoke.set_defaults(run=_revoke_member)
    _add_audit(commands)
    return parser


def _add_keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    keys = commands.add_parser("keys", help="see to the keys that the service seals and signs with")
    of_keys = keys.add_subparsers(required=True, metavar="ACTION")
    status = of_keys.add_parser("status", help="say which keys there are, and how many of before")
    status.set_defaults(run=_key_status)
    rotate = of_keys.add_parser(
        "rotate", help="print the settings that put a new key in the place of one; changes nothing"
    )
    rotate.add_argument("key", choices=sorted(rotating.PLACES))
    rotate.set_defaults(run=_rotate_key)


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    audit = commands.add_parser("audit", help="see that the audit log is whole, and export it")
    of_audit = audit.add_subparsers(required=True, metavar="ACTION")
    heads = of_audit.add_parser(
        "head", help="say where each chain ends; keep that where nobody who runs the database can"
    )
    heads.set_defaults(run=_audit_heads)
    verify = of_audit.add_parser("verify", help="look for what was changed, removed or added")
    verify.add_argument("--organisation", metavar="SLUG", help="only its chain; else all")
    verify.add_argument(
        "--heads",
        type=argparse.FileType(),
        help="a file of what `audit head` said on other days",
    )
    verify.set_defaults(run=_verify_audit)
    export = of_audit.add_parser(
        "export", help="write down who did what, without names, to answer a request for information"
    )
    export.add_argument("--organisation", required=True, metavar="SLUG")
    export.add_argument("--from", dest="since", type=_instant, help="ISO 8601, with an offset")
    export.add_argument("--until", type=_instant, help="ISO 8601, with an offset")
    export.add_argument("--output", required=True, type=Path, help="a file .csv or .json")
    export.set_defaults(run=_export_audit)


def _vapid_key(_arguments: argparse.Namespace) -> str:
    return make_vapid_key()


def _code_key(_arguments: argparse.Namespace) -> str:
    return make_code_key()


def _key_status(_arguments: argparse.Namespace) -> str:
    return rotating.report(load_settings())


def _rotate_key(arguments: argparse.Namespace) -> str:
    return rotating.rotated(arguments.key, load_settings())


def _push_keys(_arguments: argparse.Namespace) -> str:
    push = load_settings().push
    with transaction(_sessions()) as session:
        return key_report(session, push)


def _push_services(_arguments: argparse.Namespace) -> str:
    with transaction(_sessions()) as session:
        return operating.report(session, at=clock.now())


def _trust_push_service(arguments: argparse.Namespace) -> str:
    with transaction(_sessions()) as session:
        return operating.trust(session, arguments.origin, at=clock.now())


def _create_organisation(arguments: argparse.Namespace) -> str:
    with transaction(_sessions()) as session:
        organisation, made = accounts.ensure_organisation(
            session,
            arguments.slug,
            name=arguments.name,
            time_zone=arguments.time_zone,
            at=clock.now(),
        )
    return f"{organisation.slug}: {'made' if made else 'exists already, left as it is'}"


def _issue_token(arguments: argparse.Namespace) -> str:
    if not 1 <= arguments.days <= 3650:  # noqa: PLR2004
        raise ValueError("--days takes 1 to 3650.")
    with transaction(_sessions()) as session:
        return issuing.issue_access_token(
            session,
            arguments.organisation,
            role=arguments.role,
            name=arguments.name,
            lifetime=timedelta(days=arguments.days),
            at=clock.now(),
        )


def _invite(arguments: argparse.Namespace) -> str:
    settings, at = LinkSettings(), clock.now()
    with transaction(_sessions()) as session:
        account = make_member(
            session,
            arguments.organisation,
            role=arguments.role,
            name=arguments.name,
            username=arguments.username,
            at=at,
        )
        link, _until = make_link(
            session, account.person_id, LinkKind.INVITATION, settings=settings, at=at
        )
    return link


def _revoke_member(arguments: argparse.Namespace) -> str:
    with transaction(_sessions()) as session:
        revoked = revoking.revoke_member(
            session, arguments.organisation, name=arguments.name, at=clock.now()
        )
    return (
        f"{arguments.name}: signed out of: {revoked.sign_ins}, devices revoked: {revoked.devices}, "
        f"calendar links ended: {revoked.calendars}"
    )


def _export_erasures(_arguments: argparse.Namespace) -> str:
    with transaction(_sessions()) as session:
        return listing.export(session)


def _replay_erasures(_arguments: argparse.Namespace) -> str:
    return listing.replay(_sessions(), sys.stdin, settings=load_settings(), at=clock.now())


def _audit_heads(_arguments: argparse.Namespace) -> str:
    return auditing.report_heads(_sessions())


def _verify_audit(arguments: argparse.Namespace) -> str:
    with arguments.heads or nullcontext(()) as heads:
        return auditing.verify(_sessions(), slug=arguments.organisation, heads=heads)


def _export_audit(arguments: argparse.Namespace) -> str:
    wanted = Wanted(since=arguments.since, until=arguments.until)
    return auditing.export(_sessions(), arguments.organisation, wanted, arguments.output)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no offset")
    return instant


def _name(fault: ErrorDetails) -> str:
    return "GEOSERVICES_" + "__".join(str(part) for part in fault["loc"]).upper()


def _sessions() -> SessionFactory:
    url = os.environ.get("GEOSERVICES_DATABASE_URL")
    if url is None:
        raise ValueError("Set GEOSERVICES_DATABASE_URL to the service's database.")
    return make_session_factory(make_engine(url, pool_size=1))


if __name__ == "__main__":
    sys.exit(main())
