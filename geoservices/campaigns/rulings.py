"""What is decided about somebody, with the reason in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from geoservices.campaigns.gates import asked, held_by
from geoservices.campaigns.rules import Circumstances, Gate, Limits, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Send, or hold with the first gate that said no.

    `passed` lists the gates that said yes before it, `detail` the figures behind the reason.
    """

    gate: Gate | None
    reason: str
    passed: tuple[Gate, ...]
    detail: Mapping[str, object] = field(default_factory=dict)

    @property
    def sends(self) -> bool:
        """Whether the person is told."""
        return self.gate is None


def decide(terms: Terms, about: Circumstances, *, limits: Limits, at: datetime) -> Ruling:
    """Decide as `gates.held_by` does, and say why.

    Args:
        terms: What the campaign asks for.
        about: What is known of occasion, person and place.
        limits: What holds for every campaign.
        at: The moment of deciding.
    """
    gates, held = asked(about.unasked), held_by(terms, about, limits=limits, at=at)
    if held is None:
        return Ruling(gate=None, reason="Every gate let it through.", passed=gates)
    gate, why = held
    said, passed = why(), gates[: gates.index(gate)]
    return Ruling(gate=gate, reason=said.reason, passed=passed, detail=said.detail)
