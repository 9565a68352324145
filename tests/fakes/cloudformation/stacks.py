"""Stacks of the fake CloudFormation: they are created and deleted in virtual time, with AWS's statuses and
events.

An operation takes `STEP_SECONDS` until the resources are complete or have failed, and as long again for a
rollback.
"""

from __future__ import annotations

import copy
import itertools
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from stepline.localaws.clock import VirtualClock
from stepline.localaws.cloudformation.type_schemas import type_schema
from stepline.localaws.protocol import AwsError, Params
from tests.fakes.cloudformation import templates
from tests.fakes.cloudformation.templates import Template, ValidationError
from tests.fakes.s3 import FakeS3
from tests.fakes.service import FakeService
from tests.fakes.sparse_file import bytes_of
from tests.fakes.versions import Versions, View

STEP_SECONDS = 15
VALIDATION = "Validation failed with 1 error(s). Call DescribeEvents to retrieve the full list of issues."
OTHER_PROCESS = "of-another-process"
"""The client request token of operations that a test starts as another process."""

UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
_STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass
class FakeStack:
    """`events` are the oldest first. `versions`: the stack after each change of its status."""

    id: str
    name: str
    status: str
    created: datetime
    updated: datetime
    template: Template
    parameters: dict[str, str]
    tags: dict[str, str] = field(default_factory=dict)
    policy: str = ""
    role_arn: str = ""
    token: str = ""
    protected: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)
    versions: Versions[FakeStack] = field(default_factory=Versions)

    @property
    def resources(self) -> dict[str, Any]:
        return templates.resolved(self.template, self.parameters)

    @property
    def own_events(self) -> list[dict[str, Any]]:
        """The events of the stack itself, oldest first."""
        return [event for event in self.events if event["PhysicalResourceId"] == self.id]


@dataclass(eq=False)
class FakeStacks(FakeService):
    """The operations on stacks. `stacks`: the latest of a name is the last.

    `page_size` of lists is small, so that tests need several pages. `hangs`: operations never end.
    `validation_errors`: path -> reason of what validation before a deployment finds; creations fail then.
    `forgets_tokens`: a repeated request is not recognized by its token, as with some emulators.
    `view`: which state Describe* operations return. `on_change` is called when a request,
    or `add_stack`, changes a stack.
    """

    service_name: ClassVar[str] = "cloudformation"
    validation_error: ClassVar[type[AwsError]] = ValidationError
    clock: VirtualClock = field(default_factory=VirtualClock)
    s3: FakeS3 = field(default_factory=FakeS3)
    page_size: int = 3
    hangs: bool = False
    forgets_tokens: bool = False
    validation_errors: dict[str, str] = field(default_factory=dict)
    stacks: list[FakeStack] = field(default_factory=list)
    view: View = View.LATEST
    on_change: Callable[[str, FakeStack], None] = lambda _operation, _stack: None
    _ids: Any = field(default_factory=itertools.count)

    # ---------------------------------------------------------------- what a test does as another process

    def add_stack(
        self,
        name: str,
        status: str,
        template: Template,
        parameters: Mapping[str, str] | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        role_arn: str = "",
    ) -> FakeStack:
        values = [{"ParameterKey": k, "ParameterValue": v} for k, v in (parameters or {}).items()]
        stack = self._new_stack(
            name,
            status,
            template,
            templates.parameter_values(template, values, {}) if template else {},
            tags={"kept": "yes", **(tags or {})},
            role_arn=role_arn,
            token=OTHER_PROCESS,
        )
        self.on_change("AddStack", stack)
        return stack

    def set_stack_status(self, name: str, status: str) -> None:
        self.set_status(self.existing_stack(name), status, token=OTHER_PROCESS)

    def replace_stack(self, stack: FakeStack, *, keep_owner: bool) -> FakeStack:
        """Delete the stack, and create another one with its name, as another process does.

        `keep_owner`: the other process gives it the same tags and role.
        """
        self.set_status(stack, "DELETE_COMPLETE", token=OTHER_PROCESS)
        template = stack.template or {"Resources": {"Other": {"Type": "AWS::SNS::Topic"}}}
        tags, role_arn = (stack.tags, stack.role_arn) if keep_owner else ({}, "")
        values = dict.fromkeys(stack.parameters, OTHER_PROCESS)
        return self.add_stack(stack.name, "CREATE_COMPLETE", template, values, tags=tags, role_arn=role_arn)

    def forget_versions(self) -> None:
        """Let the stacks be as they are for a long time."""
        for stack in self.stacks:
            stack.versions.forget()

    # ---------------------------------------------------------------- operations

    def describe_stacks(self, *, StackName: str) -> Params:
        stack = self._seen_stack(StackName)
        if stack is None:
            raise ValidationError(f"Stack with id {StackName} does not exist")
        outputs = {}
        if stack.status in UPDATABLE or stack.status.startswith("UPDATE"):
            outputs = templates.outputs(stack.template, stack.parameters)
        description = {
            "StackId": stack.id,
            "StackName": stack.name,
            "StackStatus": stack.status,
            "CreationTime": stack.created,
            **({"LastUpdatedTime": stack.updated} if stack.updated > stack.created else {}),
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
            **({"RoleARN": stack.role_arn} if stack.role_arn else {}),
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in stack.parameters.items()],
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
        }
        return {"Stacks": [description]}

    def describe_stack_events(self, *, StackName: str, NextToken: str = "") -> Params:
        stack = self._seen_stack(StackName)
        if stack is None:
            raise ValidationError(f"Stack [{StackName}] does not exist")
        return self.page("StackEvents", list(reversed(stack.events)), NextToken)

    def describe_events(
        self, *, Filters: Mapping[str, Any], StackName: str = "", ChangeSetName: str = ""
    ) -> Params:
        assert Filters == {"FailedEvents": True}
        assert bool(StackName) != bool(ChangeSetName)
        return {
            "OperationEvents": [
                {
                    "EventId": str(uuid.uuid4()),
                    "EventType": "VALIDATION_ERROR",
                    "LogicalResourceId": path.split("/")[2],
                    "ValidationPath": path,
                    "ValidationStatusReason": reason,
                }
                for path, reason in self.validation_errors.items()
            ]
        }

    def get_template_summary(self, **arguments: Any) -> Params:
        named = arguments.get("StackName")
        template = self.existing_stack(named).template if named else self.template_of(arguments)
        required = templates.capabilities(template)
        reason = f"The following resource(s) require capabilities: {required}" if required else ""
        return {
            "Parameters": [{"ParameterKey": name} for name in template.get("Parameters", {})],
            "ResourceTypes": sorted({resource["Type"] for resource in template["Resources"].values()}),
            "Capabilities": required,
            "CapabilitiesReason": reason,
        }

    def describe_type(self, *, Type: str, TypeName: str) -> Params:
        schema = type_schema(TypeName, "us-east-1")
        if schema is None:
            raise AwsError(
                f"The type '{TypeName}' cannot be found.", code="TypeNotFoundException", status=404
            )
        return {"Type": Type, "TypeName": TypeName, "Schema": schema}

    def create_stack(self, *, StackName: str, ClientRequestToken: str = "", **arguments: Any) -> Params:
        template = self.template_of(arguments)
        stack = self.stack_named(StackName)
        if stack is not None:
            if ClientRequestToken == stack.token != "" and not self.forgets_tokens:
                return {"StackId": stack.id}
            raise AwsError(f"Stack [{StackName}] already exists", code="AlreadyExistsException")
        self.check_capabilities(template, arguments)
        stack = self._new_stack(
            StackName,
            "CREATE_IN_PROGRESS",
            template,
            templates.parameter_values(template, arguments.get("Parameters", []), {}),
            tags={tag["Key"]: tag["Value"] for tag in arguments.get("Tags", [])},
            policy=arguments.get("StackPolicyBody", ""),
            role_arn=arguments.get("RoleARN", ""),
            token=ClientRequestToken,
        )
        self.on_change("CreateStack", stack)
        self.later(STEP_SECONDS, lambda: self._finish_creation(stack, ClientRequestToken))
        return {"StackId": stack.id}

    def delete_stack(self, *, StackName: str, ClientRequestToken: str = "", RoleARN: str = "") -> None:
        stack = self.find_stack(StackName)
        if stack is None or stack.status in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}:
            return  # a deletion in progress is, with any token, not started again
        if stack.protected:
            raise ValidationError(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        self.on_change("DeleteStack", stack)
        self.set_status(stack, "DELETE_IN_PROGRESS", token=ClientRequestToken)
        self.later(STEP_SECONDS, lambda: self._finish_deletion(stack, ClientRequestToken))

    def set_stack_policy(self, *, StackName: str, StackPolicyBody: str) -> None:
        stack = self.existing_stack(StackName)
        self.on_change("SetStackPolicy", stack)
        stack.policy = StackPolicyBody

    # ---------------------------------------------------------------- what happens later

    def later(self, seconds: float, step: Any) -> None:
        if not self.hangs:
            self.clock.call_later(seconds, step)

    def _finish_creation(self, stack: FakeStack, token: str) -> None:
        failures: list[str] = []
        if self.validation_errors:
            self._add_event(
                stack,
                stack.name,
                _STACK_TYPE,
                "CREATE_FAILED",
                token=token,
                reason=VALIDATION,
                physical_id=stack.id,
            )
        else:
            failures = self.change_resources(stack, stack.resources, "CREATE", "FailCreate", token)
        if not failures and not self.validation_errors:
            self.set_status(stack, "CREATE_COMPLETE", token=token)
            return
        self.set_status(stack, "ROLLBACK_IN_PROGRESS", token=token)
        stuck = any(templates.failure_reason(stack.resources, name, "FailDelete") for name in stack.resources)
        end = "ROLLBACK_FAILED" if stuck else "ROLLBACK_COMPLETE"
        self.later(STEP_SECONDS, lambda: self.set_status(stack, end, token=token))

    def _finish_deletion(self, stack: FakeStack, token: str) -> None:
        resources = stack.resources if stack.template else {}
        failures = self.change_resources(stack, resources, "DELETE", "FailDelete", token)
        self.set_status(stack, "DELETE_FAILED" if failures else "DELETE_COMPLETE", token=token)

    def change_resources(
        self, stack: FakeStack, resources: Mapping[str, Any], verb: str, key: str, token: str
    ) -> list[str]:
        """Add the events of the resources, and return the names of those that failed.

        The failures come first; then the other resources are cancelled, unless they are deleted.
        """
        failures = [name for name in resources if templates.failure_reason(resources, name, key)]
        for name in sorted(resources, key=lambda name: name not in failures):
            type_ = resources[name].get("Type", "Custom::Removed")
            self._add_event(stack, name, type_, f"{verb}_IN_PROGRESS", token=token)
            if name in failures:
                reason = templates.failure_reason(resources, name, key)
                self._add_event(stack, name, type_, f"{verb}_FAILED", token=token, reason=reason)
            elif failures and verb != "DELETE":
                reason = {"CREATE": "Resource creation cancelled", "UPDATE": "Resource update cancelled"}[
                    verb
                ]
                self._add_event(stack, name, type_, f"{verb}_FAILED", token=token, reason=reason)
            else:
                self._add_event(stack, name, type_, f"{verb}_COMPLETE", token=token)
        return failures

    # ---------------------------------------------------------------- parts

    def find_stack(self, name_or_id: str) -> FakeStack | None:
        by_id = next((stack for stack in self.stacks if stack.id == name_or_id), None)
        return by_id or self.stack_named(name_or_id)

    def _seen_stack(self, name_or_id: str) -> FakeStack | None:
        """Return the stack as a read shows it."""
        if self.view is View.LATEST:
            return self.find_stack(name_or_id)
        versions = [stack.versions.seen(self.view, self.clock.now()) for stack in reversed(self.stacks)]
        stacks = [stack for stack in versions if stack is not None]
        by_id = next((stack for stack in stacks if stack.id == name_or_id), None)
        existing = (s for s in stacks if s.name == name_or_id and s.status != "DELETE_COMPLETE")
        return by_id or next(existing, None)

    def stack_named(self, name: str) -> FakeStack | None:
        existing = (s for s in reversed(self.stacks) if s.name == name and s.status != "DELETE_COMPLETE")
        return next(existing, None)

    def existing_stack(self, name_or_id: str) -> FakeStack:
        stack = self.find_stack(name_or_id)
        if stack is None or stack.status == "DELETE_COMPLETE":
            raise ValidationError(f"Stack [{name_or_id}] does not exist")
        return stack

    def _new_stack(
        self, name: str, status: str, template: Template, parameters: dict[str, str], **members: Any
    ) -> FakeStack:
        now = self.clock.now()
        stack = FakeStack(self.arn("stack", name), name, status, now, now, template, parameters, **members)
        self.stacks.append(stack)
        self.set_status(stack, status, token=stack.token)
        return stack

    def set_status(self, stack: FakeStack, status: str, *, token: str) -> None:
        stack.status = status
        self._add_event(stack, stack.name, _STACK_TYPE, status, token=token, physical_id=stack.id)
        version = copy.copy(stack)
        version.events = list(stack.events)
        stack.versions.add(self.clock.now(), version)

    def _add_event(
        self,
        stack: FakeStack,
        logical_id: str,
        type_: str,
        status: str,
        *,
        token: str,
        reason: str = "",
        physical_id: str = "",
    ) -> None:
        stack.events.append(
            {
                "StackId": stack.id,
                "EventId": str(next(self._ids)),
                "StackName": stack.name,
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": physical_id or f"{stack.name}-{logical_id}",
                "ResourceType": type_,
                "Timestamp": self.clock.now(),
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "ClientRequestToken": token,
            }
        )

    def template_of(self, arguments: Mapping[str, Any]) -> Template:
        body: str | None = arguments.get("TemplateBody")
        if body is None:
            content = self.s3.at(arguments["TemplateURL"])
            if content is None:
                raise ValidationError("S3 error: The specified key does not exist.")
            return templates.parse(bytes_of(content).decode())
        if len(body.encode()) > templates.MAX_BODY_BYTES:
            raise ValidationError("1 validation error detected: Value at 'templateBody' is too long")
        return templates.parse(body)

    def check_capabilities(self, template: Template, arguments: Mapping[str, Any], ignored: str = "") -> None:
        required = set(templates.capabilities(template)) - {ignored}
        if missing := sorted(required - set(arguments.get("Capabilities", []))):
            message = f"Requires capabilities : [{', '.join(missing)}]"
            raise AwsError(message, code="InsufficientCapabilitiesException")

    def page(self, name: str, items: list[Any], token: str) -> Params:
        start = int(token or 0)
        end = start + self.page_size
        rest = {"NextToken": str(end)} if end < len(items) else {}
        return {name: items[start:end], **rest}

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:cloudformation:us-east-1:000000000000:{kind}/{name}/{uuid.UUID(int=next(self._ids))}"
