"""Which changes of properties replace a resource, by the create-only properties of its schema."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws.cloudformation.replacement import Recreation, UpdateBehavior, values_at
from stepline.localaws.cloudformation.type_schemas import resource_schema

BEHAVIOR = UpdateBehavior.of(
    {
        "createOnlyProperties": [
            "/properties/Name",
            "/properties/Input/Name",
            "/properties/Rules/*/Id",
            "/properties/Old/properties/Id",
        ],
        "conditionalCreateOnlyProperties": ["/properties/Size"],
    }
)


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"Name": "a"}, {"Name": "a", "Other": 1}, False),
        ({"Name": "a"}, {"Name": "b"}, True),
        ({"Name": "a"}, {}, True),
        ({"Size": 1}, {"Size": 2}, False),
        ({"Input": {"Name": "a", "Text": "b"}}, {"Input": {"Name": "a", "Text": "c"}}, False),
        ({"Input": {"Name": "a"}}, {"Input": {"Name": "b"}}, True),
        ({"Rules": [{"Id": 1, "Text": "a"}]}, {"Rules": [{"Id": 1}]}, False),
        ({"Rules": [{"Id": 1}]}, {"Rules": [{"Id": 2}]}, True),
        ({"Rules": [{"Id": 1}]}, {"Rules": [{"Id": 1}, {"Id": 2}]}, True),
        ({"Old": {"Id": 1}}, {"Old": {"Id": 2}}, True),
    ],
)
def test_change_of_a_create_only_property_replaces(old: Any, new: Any, replaces: bool) -> None:
    assert BEHAVIOR.replaces(old, new) == replaces


def test_conditional_property_is_conditional() -> None:
    assert BEHAVIOR.recreation("Size", lambda _path: True) == Recreation.CONDITIONALLY


def test_member_that_does_not_change_requires_nothing() -> None:
    assert BEHAVIOR.recreation("Input", lambda _path: False) == Recreation.NEVER


def test_type_without_schema_is_never_replaced() -> None:
    assert not UpdateBehavior.of(None).replaces({"Name": "a"}, {"Name": "b"})


def test_value_that_is_not_known_yet_stands_for_all_in_it() -> None:
    assert values_at({"Input": "⟦Other.Arn⟧"}, ("Input", "Name")) == ["⟦Other.Arn⟧"]


def test_each_change_of_a_custom_resource_is_conditional() -> None:
    """Recorded on AWS, of Custom::CDKBucketDeployment: its function decides by the id that it returns."""
    behavior = UpdateBehavior.of(resource_schema("Custom::Thing", "us-east-1"))
    assert behavior.recreation("Anything", lambda _path: True) is Recreation.CONDITIONALLY
    assert behavior.recreation("ServiceToken", lambda _path: True) is Recreation.ALWAYS
