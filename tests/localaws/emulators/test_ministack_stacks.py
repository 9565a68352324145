"""Fails when ministack no longer needs a patch of its stacks, which the test's docstring names."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def test_type_of_macros_is_missing(facts: dict[str, Any]) -> None:
    """cloudformation.macros.add_macro_type"""
    assert not facts["macro type"]


def test_macros_are_not_run(facts: dict[str, Any]) -> None:
    """cloudformation.macros.run_macros"""
    assert "Fn::Transform" in facts["expanded"]["Resources"]["R"]["Properties"]


def test_service_roles_of_stacks_are_ignored(facts: dict[str, Any]) -> None:
    """cloudformation.stack_roles"""
    assert facts["modules with roles"] == []


def test_unresolved_references_are_accepted(facts: dict[str, Any]) -> None:
    """cloudformation.template_checks.check_templates"""
    assert facts["unresolved reference"] is None


def test_functions_in_conditions_are_not_resolved(facts: dict[str, Any]) -> None:
    """cloudformation.template_checks.evaluate_all_functions_of_conditions"""
    assert facts["condition with a function"] == {"Blank": False}


def test_capabilities_are_not_required(facts: dict[str, Any]) -> None:
    """cloudformation.template_checks.require_capabilities"""
    assert not facts["requires capabilities"]


def test_values_of_one_type_are_checked(facts: dict[str, Any]) -> None:
    """cloudformation.property_checks"""
    assert facts["types with checked values"] == ["AWS::Signer::SigningProfile"]


def test_template_of_an_update_is_stored_at_its_end(ministack_source: Callable[[str], str]) -> None:
    """cloudformation.deployments.store_deployed_templates"""
    update = ministack_source("cloudformation/handlers.py").partition("def _update_stack(")[2]
    assert 'stack["_template"] = ' not in update.partition("def _validate_template(")[0]


def test_managed_policy_is_missing(facts: dict[str, Any]) -> None:
    """managed_policies.add_managed_policies"""
    assert facts["managed policy"] is None


def test_added_managed_policy_is_that_of_moto(facts: dict[str, Any]) -> None:
    assert "ssm:*" in json.loads(facts["patched policy"])["Statement"][0]["Action"]
    assert facts["no policy"] is None


def test_name_of_a_change_set_is_compared_by_the_stack_as_it_is_given(
    ministack_source: Callable[[str], str],
) -> None:
    """cloudformation.change_sets.find_by_id_of_stack"""
    create = ministack_source("cloudformation/changesets.py").partition("def _create_change_set(")[2]
    assert create.index("AlreadyExistsException") < create.index("stack = _resolve_stack(stack_name)")


def test_types_of_batch_are_missing(ministack_source: Callable[[str], str]) -> None:
    """cloudformation.types.batch"""
    assert "AWS::Batch::" not in ministack_source("cloudformation/provisioners.py")


def test_state_machines_need_no_permission_to_create_rules(ministack_source: Callable[[str], str]) -> None:
    """cloudformation.state_machines.check_roles"""
    assert "ForBatchJobsRule" not in ministack_source("stepfunctions.py")
