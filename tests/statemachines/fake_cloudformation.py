"""CloudFormation in memory: stacks, change sets and events with AWS's statuses, tokens and errors.

Operations take virtual time: `STEP_SECONDS` until the resources are done or have failed, and
as long again for a rollback or clean-up. Templates are those of `fake_templates`.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepline.localaws.clock import VirtualClock
from tests.statemachines import fake_templates
from tests.statemachines.fake_client import FakeAwsError, FakeService
from tests.statemachines.fake_s3 import FakeS3

STEP_SECONDS = 15
_STACK_TYPE = "AWS::CloudFormation::Stack"
_UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}


@dataclass
class FakeStack:
    id: str
    name: str
    status: str
    created: datetime
    updated: datetime
    template: fake_templates.Template
    parameters: dict[str, str]
    tags: dict[str, str] = field(default_factory=dict)
    policy: str = ""
    role_arn: str = ""
    token: str = ""
    protected: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)  # oldest first

    @property
    def resources(self) -> dict[str, Any]:
        return fake_templates.resolved(self.template, self.parameters)


@dataclass
class FakeChangeSet:
    id: str
    name: str
    stack: FakeStack
    created: datetime
    status: str
    execution_status: str
    reason: str
    template: fake_templates.Template
    parameters: dict[str, str]
    tags: dict[str, str] | None
    changes: list[dict[str, Any]]
    arguments: Mapping[str, Any]
    token: str = ""


@dataclass
class FakeCloudFormation(FakeService):
    """`page_size` of lists is small, so that tests turn pages. `hangs`: operations never end."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    s3: FakeS3 = field(default_factory=FakeS3)
    page_size: int = 3
    hangs: bool = False
    accept_seconds: float = 0  # from ExecuteChangeSet's answer to the stack showing it
    forgets_tokens: bool = False  # some emulators do not know a repeated request again
    change_set_failure: str = ""
    stacks: list[FakeStack] = field(default_factory=list)  # the latest of a name last
    change_sets: dict[str, FakeChangeSet] = field(default_factory=dict)
    _pages: dict[str, list[Any]] = field(default_factory=dict)
    _ids: Any = field(default_factory=itertools.count)

    # ------------------------------------------------------------ for the tests

    def add_stack(
        self,
        name: str,
        status: str,
        template: fake_templates.Template,
        parameters: Mapping[str, str] | None = None,
    ) -> FakeStack:
        """A stack as somebody left it."""
        values = [{"ParameterKey": k, "ParameterValue": v} for k, v in (parameters or {}).items()]
        now = self.clock.now()
        stack = FakeStack(
            id=self._arn("stack", name),
            name=name,
            status=status,
            created=now,
            updated=now,
            template=template,
            parameters=fake_templates.parameters(template, values, {}) if template else {},
            tags={"kept": "yes"},
            token="somebody",
        )
        self.stacks.append(stack)
        self._stack_event(stack, status, token="somebody")
        return stack

    def stack_named(self, name: str) -> FakeStack | None:
        return next(
            (s for s in reversed(self.stacks) if s.name == name and s.status != "DELETE_COMPLETE"), None
        )

    def somebody_updates(self, name: str) -> None:
        """Another writer's update: change sets of before are obsolete."""
        stack = self._by_name(name)
        for change_set in self._of(stack):
            if not change_set.execution_status.startswith("EXECUTE"):  # what was executed stays so
                change_set.execution_status = "OBSOLETE"
        self._set(stack, "UPDATE_IN_PROGRESS", token="somebody")
        self._later(STEP_SECONDS, lambda: self._set(stack, "UPDATE_COMPLETE", token="somebody"))

    def somebody_deletes(self, name: str) -> None:
        self._set(self._by_name(name), "DELETE_COMPLETE", token="somebody")

    def somebody_sets(self, name: str, status: str) -> None:
        self._set(self._by_name(name), status, token="somebody")

    # ------------------------------------------------------------------ stacks

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        stack = self._find(StackName)
        if stack is None:
            raise FakeAwsError("ValidationError", f"Stack with id {StackName} does not exist")
        outputs = {}
        if stack.status in _UPDATABLE:
            outputs = fake_templates.outputs(stack.template, stack.parameters)
        description = {
            "StackId": stack.id,
            "StackName": stack.name,
            "StackStatus": stack.status,
            "CreationTime": stack.created,
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in stack.parameters.items()],
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
        }
        return {"Stacks": [description]}

    def describe_stack_events(self, *, StackName: str, NextToken: str = "") -> dict[str, Any]:
        stack = self._find(StackName)
        if stack is None:
            raise FakeAwsError("ValidationError", f"Stack [{StackName}] does not exist")
        return self._page("StackEvents", list(reversed(stack.events)), NextToken)

    def get_template_summary(self, **arguments: Any) -> dict[str, Any]:
        template = self._template(arguments)
        needed = fake_templates.capabilities(template)
        return {
            "Parameters": [{"ParameterKey": name} for name in template.get("Parameters", {})],
            "ResourceTypes": sorted({resource["Type"] for resource in template["Resources"].values()}),
            "Capabilities": needed,
            "CapabilitiesReason": f"The following resource(s) require capabilities: {needed}"
            if needed
            else "",
        }

    def create_stack(self, *, StackName: str, ClientRequestToken: str, **arguments: Any) -> dict[str, Any]:
        template = self._template(arguments)
        stack = self.stack_named(StackName)
        if stack is not None:
            if stack.token == ClientRequestToken and not self.forgets_tokens:
                return {"StackId": stack.id}
            raise FakeAwsError("AlreadyExistsException", f"Stack [{StackName}] already exists")
        self._check_capabilities(template, arguments)
        now = self.clock.now()
        stack = FakeStack(
            id=self._arn("stack", StackName),
            name=StackName,
            status="CREATE_IN_PROGRESS",
            created=now,
            updated=now,
            template=template,
            parameters=fake_templates.parameters(template, arguments.get("Parameters", []), {}),
            tags={tag["Key"]: tag["Value"] for tag in arguments.get("Tags", [])},
            policy=arguments.get("StackPolicyBody", ""),
            role_arn=arguments.get("RoleARN", ""),
            token=ClientRequestToken,
        )
        self.stacks.append(stack)
        self._stack_event(stack, "CREATE_IN_PROGRESS", token=ClientRequestToken)
        self._later(STEP_SECONDS, lambda: self._finish_creation(stack, ClientRequestToken))
        return {"StackId": stack.id}

    def delete_stack(self, *, StackName: str, ClientRequestToken: str, RoleARN: str = "") -> None:
        stack = self._find(StackName)
        if stack is None or stack.status in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}:
            return  # a deletion that is under way, ours or somebody's, is not begun again
        if stack.protected:
            raise FakeAwsError(
                "ValidationError",
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled",
            )
        self._set(stack, "DELETE_IN_PROGRESS", token=ClientRequestToken)
        self._later(STEP_SECONDS, lambda: self._finish_deletion(stack, ClientRequestToken))

    def set_stack_policy(self, *, StackName: str, StackPolicyBody: str) -> None:
        self._by_name(StackName).policy = StackPolicyBody

    # ------------------------------------------------------------- change sets

    def create_change_set(self, *, StackName: str, ChangeSetName: str, **arguments: Any) -> dict[str, Any]:
        template = self._template(arguments)
        stack = self._by_name(StackName)
        if stack.status not in _UPDATABLE:
            raise FakeAwsError(
                "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated."
            )
        if any(change_set.name == ChangeSetName for change_set in self._of(stack)):
            raise FakeAwsError(
                "AlreadyExistsException", f"ChangeSet {ChangeSetName} cannot be created due to a mismatch"
            )
        self._check_capabilities(template, arguments, but="CAPABILITY_AUTO_EXPAND")
        values = fake_templates.parameters(template, arguments.get("Parameters", []), stack.parameters)
        tags = arguments.get("Tags")
        change_set = FakeChangeSet(
            id=self._arn("changeSet", ChangeSetName),
            name=ChangeSetName,
            stack=stack,
            created=self.clock.now(),
            status="CREATE_PENDING",
            execution_status="UNAVAILABLE",
            reason="",
            template=template,
            parameters=values,
            tags=None if tags is None else {tag["Key"]: tag["Value"] for tag in tags},
            changes=list(fake_templates.changes(stack.resources, fake_templates.resolved(template, values))),
            arguments=arguments,
        )
        self.change_sets[change_set.id] = change_set
        self._later(STEP_SECONDS, lambda: self._finish_change_set(change_set))
        return {"Id": change_set.id, "StackId": stack.id}

    def describe_change_set(
        self, *, ChangeSetName: str, StackName: str = "", NextToken: str = ""
    ) -> dict[str, Any]:
        change_set = self._change_set(ChangeSetName, StackName)
        changes = [{"Type": "Resource", "ResourceChange": change} for change in change_set.changes]
        return {
            "ChangeSetId": change_set.id,
            "ChangeSetName": change_set.name,
            "StackId": change_set.stack.id,
            "StackName": change_set.stack.name,
            "CreationTime": change_set.created,
            "Status": change_set.status,
            "ExecutionStatus": change_set.execution_status,
            "StatusReason": change_set.reason,
            **self._page("Changes", changes, NextToken),
        }

    def delete_change_set(self, *, ChangeSetName: str, StackName: str) -> None:
        if self._find(StackName) is None:
            raise FakeAwsError("ValidationError", f"Stack [{StackName}] does not exist")
        change_set = self._change_set(ChangeSetName, StackName)
        if change_set.execution_status == "EXECUTE_IN_PROGRESS":
            raise FakeAwsError("InvalidChangeSetStatus", "the change set is being executed")
        del self.change_sets[change_set.id]

    def execute_change_set(self, *, ChangeSetName: str, StackName: str, ClientRequestToken: str) -> None:
        change_set = self._change_set(ChangeSetName, StackName)
        if change_set.token == ClientRequestToken and not self.forgets_tokens:
            return
        if change_set.execution_status != "AVAILABLE":
            raise FakeAwsError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.id}] cannot be executed in its current execution status of "
                f"[{change_set.execution_status}]",
            )
        if change_set.stack.status not in _UPDATABLE:
            raise FakeAwsError(
                "ValidationError",
                f"Stack:{change_set.stack.id} is in {change_set.stack.status} state and can not be updated.",
            )
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        change_set.token = ClientRequestToken
        for other in self._of(change_set.stack):
            if other is not change_set:
                del self.change_sets[other.id]
        if self.accept_seconds:
            self.clock.call_later(self.accept_seconds, lambda: self._begin_update(change_set))
        else:
            self._begin_update(change_set)

    # ------------------------------------------------------- what happens later

    def _finish_creation(self, stack: FakeStack, token: str) -> None:
        failures = self._resource_events(stack, stack.resources, "CREATE", "FailCreate", token)
        if not failures:
            self._set(stack, "CREATE_COMPLETE", token=token)
            return
        self._set(stack, "ROLLBACK_IN_PROGRESS", token=token)
        stuck = any(fake_templates.reason(stack.resources, name, "FailDelete") for name in stack.resources)
        end = "ROLLBACK_FAILED" if stuck else "ROLLBACK_COMPLETE"
        self._later(STEP_SECONDS, lambda: self._set(stack, end, token=token))

    def _finish_deletion(self, stack: FakeStack, token: str) -> None:
        failures = self._resource_events(
            stack, stack.resources if stack.template else {}, "DELETE", "FailDelete", token
        )
        self._set(stack, "DELETE_FAILED" if failures else "DELETE_COMPLETE", token=token)

    def _finish_change_set(self, change_set: FakeChangeSet) -> None:
        if self.change_set_failure or not change_set.changes:
            change_set.status = "FAILED"
            change_set.reason = self.change_set_failure or (
                "The submitted information didn't contain changes. "
                "Submit different information to create a change set."
            )
        elif change_set.execution_status != "OBSOLETE":
            change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"

    def _begin_update(self, change_set: FakeChangeSet) -> None:
        stack = change_set.stack
        stack.updated = self.clock.now()
        self._set(stack, "UPDATE_IN_PROGRESS", token=change_set.token)
        self._later(STEP_SECONDS, lambda: self._finish_update(change_set))

    def _finish_update(self, change_set: FakeChangeSet) -> None:
        stack, token = change_set.stack, change_set.token
        after = fake_templates.resolved(change_set.template, change_set.parameters)
        touched = {c["LogicalResourceId"]: after.get(c["LogicalResourceId"], {}) for c in change_set.changes}
        failures = self._resource_events(stack, touched, "UPDATE", "FailUpdate", token)
        if failures:
            change_set.execution_status = "EXECUTE_FAILED"
            self._set(stack, "UPDATE_ROLLBACK_IN_PROGRESS", token=token)
            stuck = any(fake_templates.reason(after, name, "FailRollback") for name in touched)
            end = "UPDATE_ROLLBACK_FAILED" if stuck else "UPDATE_ROLLBACK_COMPLETE"
            self._later(STEP_SECONDS, lambda: self._set(stack, end, token=token))
            return
        change_set.execution_status = "EXECUTE_COMPLETE"
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack.tags = stack.tags if change_set.tags is None else change_set.tags
        self._set(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", token=token)
        self._later(STEP_SECONDS, lambda: self._set(stack, "UPDATE_COMPLETE", token=token))

    def _resource_events(
        self, stack: FakeStack, resources: Mapping[str, Any], verb: str, key: str, token: str
    ) -> list[str]:
        """The resources' events; the first failure comes first, the rest are cancelled. Who failed?"""
        failures = [name for name in resources if fake_templates.reason(resources, name, key)]
        for name in sorted(resources, key=lambda name: name not in failures):
            type_ = resources[name].get("Type", "Custom::Gone")
            self._event(stack, name, type_, f"{verb}_IN_PROGRESS", token=token)
            if name in failures:
                reason = fake_templates.reason(resources, name, key)
                self._event(stack, name, type_, f"{verb}_FAILED", token=token, reason=reason)
            elif failures and verb != "DELETE":
                cancelled = {"CREATE": "Resource creation cancelled", "UPDATE": "Resource update cancelled"}
                self._event(stack, name, type_, f"{verb}_FAILED", token=token, reason=cancelled[verb])
            else:
                self._event(stack, name, type_, f"{verb}_COMPLETE", token=token)
        return failures

    # ------------------------------------------------------------------- parts

    def _later(self, seconds: float, step: Any) -> None:
        if not self.hangs:
            self.clock.call_later(seconds, step)

    def _set(self, stack: FakeStack, status: str, *, token: str) -> None:
        stack.status = status
        self._stack_event(stack, status, token=token)

    def _stack_event(self, stack: FakeStack, status: str, *, token: str) -> None:
        self._event(stack, stack.name, _STACK_TYPE, status, token=token, physical_id=stack.id)

    def _event(
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

    def _template(self, arguments: Mapping[str, Any]) -> fake_templates.Template:
        body: str | None = arguments.get("TemplateBody")
        if body is None:
            return fake_templates.parse(self.s3.at(arguments["TemplateURL"]).decode())
        if len(body.encode()) > fake_templates.MAX_BODY_BYTES:
            raise FakeAwsError(
                "ValidationError", "1 validation error detected: Value at 'templateBody' is too long"
            )
        return fake_templates.parse(body)

    def _check_capabilities(
        self, template: fake_templates.Template, arguments: Mapping[str, Any], but: str = ""
    ) -> None:
        needed = set(fake_templates.capabilities(template)) - {but}
        if missing := sorted(needed - set(arguments.get("Capabilities", []))):
            raise FakeAwsError(
                "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]"
            )

    def _find(self, name_or_id: str) -> FakeStack | None:
        by_id = next((stack for stack in self.stacks if stack.id == name_or_id), None)
        return by_id or self.stack_named(name_or_id)

    def _by_name(self, name_or_id: str) -> FakeStack:
        stack = self._find(name_or_id)
        if stack is None or stack.status == "DELETE_COMPLETE":
            raise FakeAwsError("ValidationError", f"Stack [{name_or_id}] does not exist")
        return stack

    def _of(self, stack: FakeStack) -> list[FakeChangeSet]:
        return [change_set for change_set in self.change_sets.values() if change_set.stack is stack]

    def _change_set(self, name_or_id: str, stack: str) -> FakeChangeSet:
        for change_set in self.change_sets.values():
            if change_set.id == name_or_id:
                return change_set
            if change_set.name == name_or_id and stack in {change_set.stack.id, change_set.stack.name}:
                return change_set
        raise FakeAwsError("ChangeSetNotFound", f"ChangeSet [{name_or_id}] does not exist", 404)

    def _page(self, name: str, items: list[Any], token: str) -> dict[str, Any]:
        start = int(token or 0)
        end = start + self.page_size
        rest = {"NextToken": str(end)} if end < len(items) else {}
        return {name: items[start:end], **rest}

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:cloudformation:us-east-1:000000000000:{kind}/{name}/{uuid.UUID(int=next(self._ids))}"
