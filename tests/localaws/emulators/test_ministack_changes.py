"""Fails when ministack no longer needs a patch of changes or resource types, which a docstring names.

tests/localaws/cloudformation/ tests how it behaves with the patches.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.localaws.emulators.conftest import functions_of

ADDED_TYPES = {
    "AWS::ApiGatewayV2::Deployment",
    "AWS::Cognito::UserPoolUser",
    "AWS::Cognito::UserPoolUserToGroupAttachment",
    "AWS::EC2::NetworkAcl",
    "AWS::EC2::NetworkAclEntry",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetNetworkAclAssociation",
    "AWS::IAM::RolePolicy",
}


@pytest.fixture(scope="module")
def provisioners(ministack_source: Callable[[str], str]) -> str:
    return ministack_source("cloudformation/provisioners.py")


@pytest.fixture(scope="module")
def functions(provisioners: str) -> dict[str, str]:
    return functions_of(provisioners)


def test_replacing_properties_are_a_table_of_some_types(functions: dict[str, str]) -> None:
    """cloudformation.replacements.replace_as_described"""
    assert "_REPLACING_PROPERTIES.get(resource_type)" in functions["_property_recreation"]


def test_change_sets_resolve_attributes_to_nothing(ministack_source: Callable[[str], str]) -> None:
    """cloudformation.change_details.describe_changes"""
    changesets = functions_of(ministack_source("cloudformation/changesets.py"))
    assert '"Condition"' not in changesets["_resolve_props_for_diff"]
    engine = functions_of(ministack_source("cloudformation/engine.py"))
    assert 'nothing to resolve against.\n        return ""' in engine["_resolve_refs"]


def test_rest_api_is_replaced_when_its_body_changes(functions: dict[str, str]) -> None:
    """cloudformation.replacements.update_rest_apis_in_place"""
    assert "_delete_predecessor(_apigw_rest_api_delete" in functions["_apigw_rest_api_update"]


def test_handlers_get_the_scalars_of_the_template(functions: dict[str, str]) -> None:
    """cloudformation.resource_handlers.guard_handlers"""
    assert 'handler["create"](logical_id, props, stack_name)' in functions["_provision_resource"]


def test_custom_resources_get_the_scalars_of_the_template(ministack_source: Callable[[str], str]) -> None:
    """cloudformation.resource_handlers.guard_handlers"""
    assert (
        "str("
        not in functions_of(ministack_source("cloudformation/custom_resource.py"))["invoke_custom_resource"]
    )


def test_any_error_of_a_handler_is_the_reason_of_the_event(ministack_source: Callable[[str], str]) -> None:
    """cloudformation.resource_handlers.guard_handlers"""
    deploy = functions_of(ministack_source("cloudformation/stacks.py"))["_deploy_stack_async"]
    assert "except Exception as exc:" in deploy


def test_address_of_a_user_pool_is_missing(provisioners: str) -> None:
    """cloudformation.resource_handlers, `ProviderURL`"""
    assert "ProviderURL" not in provisioners


def test_added_types_are_missing(provisioners: str) -> None:
    """cloudformation.types"""
    types = set(
        re.findall(
            r'^    "(AWS::\w+::\w+)": \{', provisioners.partition("_RESOURCE_HANDLERS = {")[2], re.MULTILINE
        )
    )
    assert types
    assert not types & ADDED_TYPES


def test_responses_of_services_are_shown_as_python_prints_them(provisioners: str) -> None:
    """cloudformation.resource_handlers, `_RESPONSE`"""
    assert "failed: {resp[2]!r}" in provisioners


def test_definition_of_an_http_api_is_not_read(functions: dict[str, str]) -> None:
    """cloudformation.types.http_api.import_definitions"""
    assert "Body" not in functions["_apigw_v2_api_create"]
    assert "Target" not in functions["_apigw_v2_api_create"]


def test_errors_of_the_sam_transform_are_shown_as_python_prints_them(
    ministack_source: Callable[[str], str],
) -> None:
    """cloudformation.templates.explain_sam_errors"""
    engine = functions_of(ministack_source("cloudformation/engine.py"))
    assert "_sam_transform(" in engine["_apply_transforms"]
    assert "causes" not in engine["_apply_transforms"]


def test_tags_of_the_stack_are_merged_into_the_properties(functions: dict[str, str]) -> None:
    """cloudformation.replacements, `_Tagged`"""
    assert "out[prop] = merged" in functions["_with_stack_tags"]


def test_host_of_an_address_is_not_read(ministack_source: Callable[[str], str]) -> None:
    """cloudformation.templates.read_virtual_hosted_addresses"""
    helpers = functions_of(ministack_source("cloudformation/helpers.py"))
    assert "parsed.path" in helpers["_resolve_document"]
    assert "parsed.netloc" not in helpers["_resolve_document"]
