"""What whoever runs the service asks of the audit log, in lines to read and to keep."""

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from geoservices.audit import service
from geoservices.audit.chaining import ChainBroken
from geoservices.audit.exporting import ExportFormat
from geoservices.audit.queries import Chain, Wanted
from geoservices.audit.queries import chains as chains_of
from geoservices.audit.service import Checked
from geoservices.database import SessionFactory, transaction

INSTALLATION = "(installation)"
"""What the chain of what belongs to no organisation is called."""


class LogBroken(ValueError):
    """Some chain is not as it was written; the message has a line for each."""


def report_heads(sessions: SessionFactory) -> str:
    """Return a line for each chain: whose, its id, the last entry's number and its hash."""
    with transaction(sessions) as session:
        chains = service.heads(session)
    return "\n".join(
        f"{_name(chain)} {chain.id} {chain.head.number} {chain.head.hash.hex()}" for chain in chains
    )


def read_heads(lines: Iterable[str]) -> dict[UUID, dict[int, bytes]]:
    """Read lines of `report_heads`, of one day or of many; empty ones are passed over.

    Raises:
        ValueError: A line is none of those, or two say different things of one entry.
    """
    anchors: dict[UUID, dict[int, bytes]] = {}
    for line in lines:
        if not line.strip():
            continue
        try:
            _whose, chain_id, number, hash_ = line.split()
            told = UUID(chain_id), int(number), bytes.fromhex(hash_)
        except ValueError as error:
            raise ValueError("A line of the heads that were kept cannot be read.") from error
        known = anchors.setdefault(told[0], {})
        if known.setdefault(told[1], told[2]) != told[2]:
            raise ValueError(f"The heads that were kept disagree about entry {number}.")
    return anchors


def verify(sessions: SessionFactory, *, slug: str | None, heads: Iterable[str] = ()) -> str:
    """Look through the chains, and return a line for each.

    Args:
        sessions: Where to look.
        slug: Whose chain; None looks through all.
        heads: What `report_heads` said on other days, kept elsewhere.

    Raises:
        LogBroken: A chain is not as it was written.
    """
    checked = service.verify(sessions, slug=slug, anchors=read_heads(heads))
    if slug is not None and not checked:
        raise ValueError(f"There is no log of {slug} yet.")
    said = "\n".join(_line(one) for one in checked)
    if any(one.fault for one in checked):
        raise LogBroken(said)
    return said


def export(sessions: SessionFactory, slug: str, wanted: Wanted, file: Path) -> str:
    """Write an organisation's log into a file as anybody may read it; its ending says as what.

    Raises:
        ValueError: The ending is none that can be written, or there is no log of theirs.
    """
    endings = ", ".join(f".{one}" for one in ExportFormat)
    try:
        as_ = ExportFormat(file.suffix[1:])
    except ValueError as error:
        raise ValueError(f"--output takes a file that ends in one of {endings}.") from error
    with transaction(sessions) as session:
        chains = chains_of(session, slug=slug)
    if not chains:
        raise ValueError(f"There is no log of {slug} yet.")
    with file.open("w", encoding="utf-8", newline="") as target:
        target.writelines(service.export(sessions, chains[0].id, wanted, as_))
    return f"{file}: written"


def _line(checked: Checked) -> str:
    return f"{_name(checked.chain)}: {_verdict(checked, checked.fault)}"


def _verdict(checked: Checked, fault: ChainBroken | None) -> str:
    if fault is not None:
        return f"BROKEN: {fault}; {checked.entries} entries before it are whole"
    before = checked.chain.before.number
    pruned = f", entries up to {before} were pruned" if before else ""
    return f"whole: {checked.entries} entries{pruned}"


def _name(chain: Chain) -> str:
    return chain.slug or INSTALLATION
