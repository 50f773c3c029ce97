"""Rules of one's own: laid over one another, kept small, and refused where they make no sense."""

import json
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from geoservices.errors import ErrorKind
from geoservices.geofences.overrides import PresenceOverrides, PresenceRefused, check, merge
from geoservices.settings.presence import PresenceSettings
from geoservices.visits.rules import rules_with
from geoservices.visits.sights import PresenceRules

PRESENCE = PresenceSettings()
STORED = st.fixed_dictionaries(
    {},
    optional={
        "reach_m": st.sampled_from([0, 25.5, 50]),
        "certainty": st.sampled_from([1, 1.6, 2.0]),
        "silence": st.sampled_from(["PT20M", "PT45M"]),
        "confirm_exit_after": st.sampled_from(["PT0S", "PT1M30S"]),
    },
)


def test_every_rule_of_a_geofence_may_be_ones_own() -> None:
    """And nothing else: what the machine is given is what may be overridden."""
    assert set(PresenceOverrides.model_fields) == {rule.name for rule in fields(PresenceRules)}


def test_each_rule_has_the_limits_of_the_setting() -> None:
    """What the service itself may not be told, nobody may tell it for one geofence."""
    service = PresenceSettings.model_json_schema()["properties"]
    own = PresenceOverrides.model_json_schema()["properties"]

    for name, schema in own.items():
        limits, null = schema["anyOf"]
        assert null == {"type": "null"}
        assert limits == {key: service[name][key] for key in limits}, name


@given(STORED, STORED)
def test_a_geofences_rules_lie_over_its_organisations(
    organisation: dict[str, Any], geofence: dict[str, Any]
) -> None:
    """Each rule is the geofence's, else the organisation's, else the service's."""
    rules = rules_with(PRESENCE, merge(organisation, geofence))

    plain = rules_with(PRESENCE)
    said = PresenceOverrides.model_validate({**organisation, **geofence})
    for rule in fields(PresenceRules):
        own = getattr(said, rule.name)
        assert getattr(rules, rule.name) == (getattr(plain, rule.name) if own is None else own)


@given(STORED)
def test_what_is_stored_is_json_and_comes_back(stored: dict[str, Any]) -> None:
    """Only what is set, times in ISO 8601; the same rules make the same, hashable pairs."""
    overrides = PresenceOverrides.model_validate(stored)

    kept = json.loads(json.dumps(overrides.stored()))

    assert set(kept) == set(stored)
    assert PresenceOverrides.model_validate(kept) == overrides
    assert merge(kept, {}) == merge({}, kept) == overrides.pairs()
    assert hash(merge(kept, {})) == hash(overrides.pairs())


def test_rules_are_made_once() -> None:
    """The same settings and overrides are looked up and not made again."""
    pairs = merge({"silence": "PT45M"}, {"reach_m": 50})

    assert rules_with(PRESENCE, pairs) is rules_with(PresenceSettings(), pairs)
    assert rules_with(PRESENCE, pairs).silence == timedelta(minutes=45)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"reach_m": -1}, id="less than nothing"),
        pytest.param({"reach_m": "50"}, id="text for a number"),
        pytest.param({"certainty": True}, id="true for a number"),
        pytest.param({"certainty": float("nan")}, id="no number"),
        pytest.param({"silence": "soon"}, id="no time"),
        pytest.param({"silence": "PT0S"}, id="no silence"),
        pytest.param({"assumed_accuracy_m": 50}, id="what is no geofence's to say"),
        pytest.param({"reech_m": 50}, id="a name misspelt"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any]) -> None:
    """As the settings themselves refuse them."""
    with pytest.raises(ValidationError):
        PresenceOverrides.model_validate(values)


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([{"credible_accuracy_m": 201}], id="nothing would be clear"),
        pytest.param([{"reach_m": 201}], id="reaches further than an arrival may be vague"),
        pytest.param([{"confirm_enter_after": "PT3M"}], id="touching proves more than inside"),
        pytest.param([{"confirm_enter_gap": "PT30M"}], id="an arrival outlives silence"),
        pytest.param([{"confirm_exit_after": "PT30M"}], id="silence is sooner than being far"),
        pytest.param([{"told_silence": "PT29M"}], id="a phone's word counts for less"),
        pytest.param([{"silence": "PT13H"}, {}], id="the organisation's over the service's"),
        pytest.param(
            [{"silence": "PT10M"}, {"confirm_exit_after": "PT10M"}],
            id="the geofence's over the organisation's",
        ),
    ],
)
def test_rules_that_make_no_sense_together_are_refused(layers: list[dict[str, Any]]) -> None:
    """Each is fine by itself; the refusal says what is wrong."""
    with pytest.raises(PresenceRefused) as refused:
        check(PRESENCE, *layers)

    assert refused.value.kind is ErrorKind.INVALID
    assert any(name in str(refused.value) for layer in layers for name in layer)


def test_what_makes_sense_passes() -> None:
    """A quick exit over a short silence."""
    check(PRESENCE, {"silence": "PT10M"}, {"confirm_exit_after": "PT1M"})
