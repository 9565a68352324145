"""Patches the service role of a stack: ministack's CloudFormation accepts it and ignores it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from stepline.localaws.cloudformation import role_permissions
from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.cloudformation.references import references
from stepline.localaws.cloudformation.role_permissions import ResourceChange
from stepline.localaws.emulators.ministack.cloudformation.deployments import deployed, describe_with
from stepline.localaws.emulators.ministack.iam import MinistackObjects
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.iam.required_permissions import object_read_permissions
from stepline.localaws.service_roles import ServiceRoles

Parameters = Mapping[str, Any]
_ROLE = "RoleARN"  # in a request, and added to the record of a stack or change set
_ERROR = 400
_SERVICE = "cloudformation.amazonaws.com"
_SESSION = "AWSCloudFormation"
"""The name of CloudFormation's sessions of a service role, as in messages about denied requests."""


def role_of_operation(parameters: Parameters) -> str:
    """Return the role of a request, or else of its stack; blank without one."""
    named = handlers._p(parameters, _ROLE)
    stack = handlers._resolve_stack(handlers._p(parameters, "StackName")) or {}
    return str(named or stack.get(_ROLE, ""))


def authorize(roles: ServiceRoles, role_arn: str, needs: Iterable[Permission]) -> None:
    """Check the permissions of CloudFormation under the role. Raises botocore's ClientError."""
    roles.authorize(Actor(_SERVICE, role_arn, _SESSION), needs)


def store_roles() -> None:
    """Store the role of a stack's last operation, which later ones use and DescribeStacks returns."""
    actions = cloudformation._ACTION_HANDLERS
    for action in ("CreateStack", "UpdateStack"):
        actions[action] = _wrapped(actions[action], after=_store_in_stack)
    actions["CreateChangeSet"] = _wrapped(actions["CreateChangeSet"], after=_store_in_change_set)
    actions["DeleteStack"] = _wrapped(actions["DeleteStack"], before=_store_in_stack)
    actions["ExecuteChangeSet"] = _wrapped(actions["ExecuteChangeSet"], before=_move_to_stack)
    describe_with(lambda stack: {_ROLE: stack[_ROLE]} if stack.get(_ROLE) else {})


def _store_in_stack(parameters: Parameters) -> None:
    stack = handlers._resolve_stack(handlers._p(parameters, "StackName"))
    if stack is not None and (role := handlers._p(parameters, _ROLE)):
        stack[_ROLE] = role


def _store_in_change_set(parameters: Parameters) -> None:
    if (change_set := find_change_set(parameters)) is not None:
        change_set[_ROLE] = role_of_operation(parameters)


def _move_to_stack(parameters: Parameters) -> None:
    """Store the role of a change set that is executed in its stack."""
    change_set = find_change_set(parameters)
    if change_set is None or change_set["ExecutionStatus"] != "AVAILABLE":
        return
    stack = cloudformation._stacks.get(change_set["StackName"])
    if stack is not None and change_set.get(_ROLE):
        stack[_ROLE] = change_set[_ROLE]


def find_change_set(parameters: Parameters) -> dict[str, Any] | None:
    name, stack_name = (handlers._p(parameters, key) for key in ("ChangeSetName", "StackName"))
    stack = handlers._resolve_stack(stack_name) if stack_name else None
    found: tuple[str | None, dict[str, Any] | None] = changesets._find_change_set(
        name, stack["StackName"] if stack else stack_name
    )
    return found[1]


Handler = Callable[[Parameters], Any]


def _wrapped(
    original: Handler,
    *,
    before: Callable[[Parameters], None] | None = None,
    after: Callable[[Parameters], None] | None = None,
) -> Handler:
    """Call `before` first, and `after` after a response without error, before the operation begins."""

    @functools.wraps(original)
    def handle(parameters: Parameters) -> Any:
        if before is not None:
            before(parameters)
        response = original(parameters)
        if after is not None and response[0] < _ERROR:
            after(parameters)
        return response

    return handle


def check_roles(roles: ServiceRoles) -> None:
    """Check that the role of a stack allows each change of a resource, and what the change reads."""

    def check(stack_name: str | None, change: ResourceChange) -> None:
        role_arn = (cloudformation._stacks.get(stack_name) or {}).get(_ROLE) if stack_name else None
        if role_arn:
            _check(roles, role_arn, change)

    def check_reads(stack_name: str, logical_id: str) -> None:
        stack = deployed(stack_name)
        if role_arn := stack.get(_ROLE):
            _check_reads(roles, role_arn, stack, logical_id)

    create, update, delete = stacks._provision_resource, stacks._update_resource, stacks._delete_resource

    def checked_create(resource_type: str, logical_id: str, properties: Any, stack_name: str) -> Any:
        name = f"{stack_name}-{logical_id}-*"
        check(stack_name, ResourceChange("create", resource_type, default_name=name, new=properties))
        return create(resource_type, logical_id, properties, stack_name)

    def checked_update(
        resource_type: str, physical_id: str, old: Any, new: Any, stack_name: str, *more: Any
    ) -> Any:
        if old != new and more:
            check_reads(stack_name, more[0])
        if stacks._replacing_change(resource_type, old, new):
            check(stack_name, ResourceChange("create", resource_type, new=new))
        elif old != new:
            check(stack_name, ResourceChange("update", resource_type, physical_id, old, new))
        return update(resource_type, physical_id, old, new, stack_name, *more)

    def checked_delete(
        resource_type: str, physical_id: str, properties: Any, stack_name: str | None = None, *more: Any
    ) -> Any:
        check(stack_name, ResourceChange("delete", resource_type, physical_id, old=properties))
        return delete(resource_type, physical_id, properties, stack_name, *more)

    stacks._provision_resource = checked_create
    stacks._update_resource = checked_update
    stacks._delete_resource = checked_delete


def _check(roles: ServiceRoles, role_arn: str, change: ResourceChange) -> None:
    """Raise ValueError, whose text becomes the resource's status reason, if the role lacks a permission."""
    needs = role_permissions.required_permissions(change, _arns())
    _authorize_handler(roles, role_arn, change.resource_type, needs)
    if package := role_permissions.read_package(change):
        bucket, key = package
        read = Permission("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        more = object_read_permissions(bucket, key, MinistackObjects())
        _authorize_handler(roles, role_arn, change.resource_type, [read, *more])


def _check_reads(roles: ServiceRoles, role_arn: str, stack: Mapping[str, Any], logical_id: str) -> None:
    """Check the reads of Fn::GetAtt in a resource that an update changes.

    CloudFormation reads the other resource even if the update does not change it. Branches of Fn::If that are
    not chosen are not read. Raises ValueError as `_check`.
    """
    template = stack["_template"]
    conditions = engine._evaluate_conditions(template, stack["_resolved_params"])
    properties = template.get("Resources", {}).get(logical_id, {}).get("Properties", {})
    found = {(reference.name, reference.attribute) for reference in references(properties, conditions)}
    for target, attribute in sorted(pair for pair in found if pair[1]):
        if (resource := stack["_resources"].get(target)) is None:
            continue
        resource_type = resource["ResourceType"]
        need = role_permissions.read_permission(resource_type, resource["PhysicalResourceId"], _arns())
        try:
            _authorize_handler(roles, role_arn, resource_type, None if need is None else [need])
        except ValueError as error:
            raise ValueError(
                f"Unable to retrieve {attribute} attribute for {resource_type}, with error message {error}"
            ) from error


def _arns() -> Arns:
    return Arns(responses.get_account_id(), responses.get_region())


def _authorize_handler(
    roles: ServiceRoles, role_arn: str, resource_type: str, needs: Iterable[Permission] | None
) -> None:
    """Check the permissions of a type's handler; without `needs`, any permission of the type's service."""
    try:
        if needs is not None:
            authorize(roles, role_arn, needs)
        elif service := role_permissions.service_of(resource_type):
            roles.authorize_service(Actor(_SERVICE, role_arn, _SESSION), service)
    except ClientError as error:
        message = error.response["Error"]["Message"]
        raise ValueError(
            f'Resource handler returned message: "{message}" (HandlerErrorCode: AccessDenied)'
        ) from error
