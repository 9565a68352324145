"""Which changes the guard refuses: the cases in changes/, and the types that hold nothing.

A case has the `ResourceChange`s of a change set (`nested` are those of the nested stack's own change set),
`allowReplacement`, and either what is `refused` or the `summary`. `source`: where AWS was seen to answer so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from statemachines.deploy.errors import ReplacementRefusedError
from statemachines.deploy.harmless_types import HARMLESS_TYPES, TYPES_THAT_HOLD_NOTHING
from statemachines.deploy.identifiers import IDENTIFIERS
from statemachines.deploy.updatable_properties import UPDATED_IN_PLACE
from stepline.localaws.cloudformation.type_schemas import resource_schema, resource_types
from tests.statemachines.deploy import generate_identifiers
from tests.statemachines.deploy.machine import INPUT, PROJECT, Machine, load_handler
from tests.statemachines.deploy.test_inspection import add_change_set

_FOLDER = Path(__file__).with_name("changes")


def _cases() -> Iterator[Any]:
    for file in sorted(_FOLDER.glob("*.yaml")):
        for name, case in yaml.safe_load(file.read_text()).items():
            yield pytest.param(case, id=f"{file.stem}-{name}")


@pytest.mark.parametrize("case", list(_cases()))
def test_changes_are_refused_or_summarized(machine: Machine, case: dict[str, Any]) -> None:
    change_set = add_change_set(machine, "root", _changes(machine, case["changes"]))
    event = {
        "request": {**INPUT, "allowReplacement": case.get("allowReplacement", False)},
        "changeSet": {"id": change_set.id, "stackId": change_set.stack.id},
    }
    if "refused" in case:
        with pytest.raises(ReplacementRefusedError) as caught:
            load_handler("inspect_change_set")(event, None)
        assert list(caught.value.dangers) == case["refused"]
    else:
        assert load_handler("inspect_change_set")(event, None)["summary"] == case.get("summary", "")


def _changes(machine: Machine, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Create the change sets of nested stacks, and refer to them."""
    found = []
    for number, change in enumerate(changes):
        described = {key: value for key, value in change.items() if key != "nested"}
        if "nested" in change:
            nested = add_change_set(machine, f"nested{number}", _changes(machine, change["nested"]))
            described["ChangeSetId"] = nested.id
        found.append(described)
    return found


def test_refusal_names_what_to_allow(machine: Machine) -> None:
    names = ["Table", "Queue"]
    error = ReplacementRefusedError([f"{name} (A::B::C) would be replaced" for name in names], names)
    assert error.message.endswith(
        'Nothing was changed. To allow it, set "allowReplacement": ["Table", "Queue"] in the input.'
    )
    many = [f"Resource{number}" for number in range(200)]
    assert ReplacementRefusedError(many, many).message.endswith('set "allowReplacement": true in the input.')


def _field_list() -> frozenset[str]:
    """Return the types that cfn-lint says hold state."""
    text = files("cfnlint.data.AdditionalSpecs").joinpath("StatefulResources.json").read_text()
    return frozenset(json.loads(text)["ResourceTypes"])


def test_types_that_hold_nothing_exist() -> None:
    assert not TYPES_THAT_HOLD_NOTHING - resource_types("us-east-1")


def test_no_type_is_listed_twice() -> None:
    assert sum(len(group.types) for group in HARMLESS_TYPES) == len(TYPES_THAT_HOLD_NOTHING)


def test_no_type_that_the_field_calls_stateful_holds_nothing() -> None:
    assert not TYPES_THAT_HOLD_NOTHING & _field_list()
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    assert not TYPES_THAT_HOLD_NOTHING & _with_snapshots()


def _with_snapshots() -> frozenset[str]:
    """Return the types with a DeletionPolicy of Snapshot: EC2, ElastiCache, Neptune, RDS and others."""
    names = (
        "DocDB::DBCluster EC2::Volume ElastiCache::CacheCluster ElastiCache::ReplicationGroup"
        " Neptune::DBCluster RDS::DBCluster RDS::DBInstance Redshift::Cluster"
    )
    return frozenset(f"AWS::{name}" for name in names.split())


@pytest.mark.parametrize("resource_type", sorted(TYPES_THAT_HOLD_NOTHING))
def test_no_type_that_holds_nothing_gives_an_address_or_credentials(resource_type: str) -> None:
    """An attribute such as an endpoint is used by clients outside of the stack."""
    schema = resource_schema(resource_type, "us-east-1") or {}
    attributes = {pointer.rpartition("/")[2].lower() for pointer in schema.get("readOnlyProperties", ())}
    signs = ("endpoint", "url", "dnsname", "secret", "password", "address", "domainname")
    assert not [name for name in attributes if name.endswith(signs)]


def test_identifiers_are_those_of_the_schemas() -> None:
    """`python -m tests.statemachines.deploy.generate_identifiers` writes them again."""
    assert generate_identifiers.table() == IDENTIFIERS


def test_table_of_the_documentation_has_the_types_that_hold_nothing() -> None:
    page = (PROJECT / "statemachines/deploy/README.md").read_text()
    section = page.partition("## What is refused")[2].partition("\n## ")[0]
    for group in HARMLESS_TYPES:
        services = [f"{service}: {', '.join(names.split())}" for service, names in group.names.items()]
        assert f"| {group.reason} | {'; '.join(services)} |" in section.splitlines()


def test_properties_that_are_updated_in_place_are_conditional_in_the_schemas() -> None:
    """A property that is not conditional needs no entry, and one that does not exist is misspelled."""
    for resource_type, names in UPDATED_IN_PLACE.items():
        schema = resource_schema(resource_type, "us-east-1") or {}
        conditional = {pointer.split("/")[2] for pointer in schema["conditionalCreateOnlyProperties"]}
        assert set(names.split()) <= conditional, resource_type
