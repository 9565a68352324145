"""Patches the check of properties: ministack accepts what a type's schema does not have.

Pre-deployment validation checks them when a stack is created or updated, and when a change set is created.
If it is disabled, and for types that are not in the registry, the resource itself fails.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, handlers, helpers, stacks

from stepline.localaws.cloudformation.property_validation import (
    is_in_registry,
    legacy_message,
    property_problems,
)
from stepline.localaws.cloudformation.static_values import static_value
from stepline.localaws.cloudformation.type_schemas import Schema, resource_schema
from stepline.localaws.emulators.ministack.cloudformation.deployments import deployed
from stepline.localaws.emulators.ministack.cloudformation.stack_roles import find_change_set

_VALIDATION = "PROPERTY_VALIDATION"
_HOOKS: Final = {
    _VALIDATION: "AWS::EarlyValidation::PropertyValidation",
    "NAME_CONFLICT_VALIDATION": "AWS::EarlyValidation::ResourceExistenceCheck",
}
"""Validation -> its name in the reason of a change set that failed [user reports]."""

_EVENTS = "_operation_events"
_OK = 200

Error = tuple[str, str, str, str, str]
"""Logical id, type, name of the validation, path in the template, reason."""


def validate_before_deployment() -> None:
    """Add the schemas of all types to ministack's validation, and apply it to change sets."""
    validation_errors = stacks._validation_errors

    def errors(
        definitions: Any, ordered: Any, params: Any, conditions: Any, mappings: Any, *stack: Any
    ) -> list[Error]:
        try:
            found: list[Error] = validation_errors(definitions, ordered, params, conditions, mappings, *stack)
        except ValueError:  # of an export that does not exist; it fails the resource
            found = []
        known = {(error[0], error[3]) for error in found}
        values = _Values(definitions, params, conditions, mappings, *stack[:2])
        for logical_id in ordered:
            found += [error for error in values.errors(logical_id) if (error[0], error[3]) not in known]
        return found

    stacks._validation_errors = errors
    actions = cloudformation._ACTION_HANDLERS
    actions["CreateChangeSet"] = _validated(actions["CreateChangeSet"])
    actions["DescribeEvents"] = _with_change_sets(actions["DescribeEvents"])


def fail_resources_with_invalid_properties() -> None:
    """Fail a resource whose properties CloudFormation does not accept, if that was not found before."""
    create, update = stacks._provision_resource, stacks._update_resource

    def checked_create(resource_type: str, logical_id: str, properties: Any, stack_name: str) -> Any:
        _check(resource_type, logical_id, stack_name)
        return create(resource_type, logical_id, properties, stack_name)

    def checked_update(
        resource_type: str, physical_id: str, old: Any, new: Any, stack_name: str, *more: Any
    ) -> Any:
        if old != new and more:
            _check(resource_type, more[0], stack_name)
        return update(resource_type, physical_id, old, new, stack_name, *more)

    stacks._provision_resource = checked_create
    stacks._update_resource = checked_update


class _Values:
    """The properties of a template's resources, as far as they are known before the deployment."""

    def __init__(
        self, definitions: Mapping[str, Any], params: Any, conditions: Mapping[str, bool], *rest: Any
    ) -> None:
        """`rest` are the mappings, the name and the id of the stack, as ministack passes them."""
        self._definitions = definitions
        self._conditions = conditions
        self._resolve = lambda node: engine._resolve_refs(node, {}, params, conditions, *rest)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> _Values:
        """Return the values of a stack or a change set."""
        template, params = record["_template"], record["_resolved_params"]
        conditions = engine._evaluate_conditions(template, params)
        resources, mappings = template.get("Resources", {}), template.get("Mappings", {})
        return cls(resources, params, conditions, mappings, record["StackName"], record["StackId"])

    def properties(self, logical_id: str) -> dict[str, Any]:
        properties = self._definitions.get(logical_id, {}).get("Properties") or {}
        value = static_value(properties, self._definitions.keys(), self._conditions, self._resolve)
        return value if isinstance(value, dict) else {}

    def errors(self, logical_id: str) -> Iterator[Error]:
        """Return the errors of a resource that is created; none if its type is not in the registry."""
        definition = self._definitions[logical_id]
        if not self._conditions.get(definition.get("Condition", ""), True):
            return
        resource_type = definition["Type"]
        schema = _schema(resource_type)
        if schema is None or not is_in_registry(schema):
            return
        for problem in property_problems(schema, self.properties(logical_id)):
            path = "/".join(filter(None, (f"/Resources/{logical_id}/Properties", problem.path)))
            yield logical_id, resource_type, _VALIDATION, path, problem.reason


def _check(resource_type: str, logical_id: str, stack_name: str) -> None:
    """Raise ValueError, whose text becomes the resource's status reason."""
    schema = _schema(resource_type)
    stack = deployed(stack_name)
    if schema is None or not stack.get("_template"):
        return
    in_registry = is_in_registry(schema)
    if in_registry and not stack.get("_disable_validation"):
        return
    properties = _Values.of(stack).properties(logical_id)
    if not in_registry:
        if message := legacy_message(schema, properties):
            raise ValueError(message)
    elif problems := property_problems(schema, properties):
        messages = ", ".join(problem.message for problem in problems)
        raise ValueError(f"Properties validation failed for resource {logical_id} with message: [{messages}]")


def _schema(resource_type: str) -> Schema | None:
    """Return None for a type without a schema, and for the types of users."""
    if not resource_type.startswith("AWS::") or resource_type == "AWS::CloudFormation::CustomResource":
        return None
    return resource_schema(resource_type, responses.get_region())


Parameters = Mapping[str, Any]


def _validated(original: Any) -> Any:
    @functools.wraps(original)
    def handle(parameters: Parameters) -> Any:
        response = original(parameters)
        if response[0] == _OK and (change_set := find_change_set(parameters)) is not None:
            _validate_change_set(change_set)
        return response

    return handle


def _validate_change_set(change_set: dict[str, Any]) -> None:
    if change_set["Status"] != "CREATE_COMPLETE" or change_set["_disable_validation"]:
        return
    stack = cloudformation._stacks[change_set["StackName"]]
    template, params = change_set["_template"], change_set["_resolved_params"]
    resources = template.get("Resources", {})
    imported = {change["ResourceChange"]["LogicalResourceId"] for change in change_set["Changes"]}
    conditions = engine._evaluate_conditions(template, params)
    with stacks._stack_region_context(stack, stack["StackId"]):
        errors = stacks._validation_errors(
            resources,
            [name for name in resources if name in imported],
            params,
            conditions,
            template.get("Mappings", {}),
            stack["StackName"],
            stack["StackId"],
            frozenset(_buckets(stack)),
        )
    if errors:
        _fail(change_set, errors)


def _buckets(stack: Mapping[str, Any]) -> Collection[str]:
    resources = stack.get("_resources", {}).values()
    return {item["PhysicalResourceId"] for item in resources if item.get("ResourceType") == "AWS::S3::Bucket"}


def _fail(change_set: dict[str, Any], errors: list[Error]) -> None:
    hooks = ", ".join(dict.fromkeys(_HOOKS[error[2]] for error in errors))
    operation_id = responses.new_uuid()
    change_set.update(
        Status="FAILED",
        ExecutionStatus="UNAVAILABLE",
        StatusReason=f"The following hook(s)/validation failed: [{hooks}]. To troubleshoot Early Validation "
        "errors, use the DescribeEvents API for detailed failure information.",
        Changes=[],
    )
    change_set[_EVENTS] = [
        stacks._operation_event(
            change_set["StackId"],
            operation_id,
            "VALIDATION_ERROR",
            "CREATE_CHANGESET",
            LogicalResourceId=logical_id,
            ResourceType=resource_type,
            ValidationFailureMode="FAIL",
            ValidationName=name,
            ValidationStatus="FAILED",
            ValidationStatusReason=reason,
            ValidationPath=path,
        )
        for logical_id, resource_type, name, path, reason in errors
    ]


def _with_change_sets(original: Any) -> Any:
    """Let DescribeEvents return the events of a change set."""

    @functools.wraps(original)
    def handle(parameters: Parameters) -> Any:
        if not helpers._p(parameters, "ChangeSetName"):
            return original(parameters)
        change_set = find_change_set(parameters)
        if change_set is None:
            return helpers._error("ChangeSetNotFound", "ChangeSet does not exist", 404)
        members = "".join(map(_member, change_set.get(_EVENTS, ())))
        return helpers._xml(
            _OK,
            "DescribeEventsResponse",
            f"<DescribeEventsResult><OperationEvents>{members}</OperationEvents></DescribeEventsResult>",
        )

    return handle


def _member(event: Mapping[str, Any]) -> str:
    fields = "".join(
        f"<{name}>{helpers._esc(str(event[name]))}</{name}>"
        for name in handlers._OPERATION_EVENT_FIELDS
        if event.get(name)
    )
    return f"<member>{fields}</member>"
