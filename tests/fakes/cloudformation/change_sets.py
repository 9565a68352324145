"""The fake CloudFormation: stacks, and change sets that update them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepline.localaws.protocol import AwsError, Params
from tests.fakes.cloudformation import templates
from tests.fakes.cloudformation.stacks import OTHER_PROCESS, STEP_SECONDS, UPDATABLE, FakeStack, FakeStacks
from tests.fakes.cloudformation.templates import Template, ValidationError
from tests.fakes.versions import Versions, View


@dataclass
class FakeChangeSet:
    id: str
    name: str
    stack: FakeStack
    created: datetime
    status: str
    execution_status: str
    reason: str
    template: Template
    parameters: dict[str, str]
    tags: dict[str, str] | None
    changes: list[dict[str, Any]]
    arguments: Mapping[str, Any]
    token: str = ""
    versions: Versions[FakeChangeSet] = field(default_factory=Versions)


@dataclass(eq=False)
class FakeCloudFormation(FakeStacks):
    """`accept_seconds`: so long the stack does not show an update that ExecuteChangeSet has accepted.

    `change_set_failure`: the reason with which the creation of every change set fails.
    `all_change_sets` includes those that do not exist any more.
    `removes_executed`: a change set cannot be described any more once its update has started.
    """

    accept_seconds: float = 0
    change_set_failure: str = ""
    removes_executed: bool = False
    change_sets: dict[str, FakeChangeSet] = field(default_factory=dict)
    all_change_sets: list[FakeChangeSet] = field(default_factory=list)

    def update_by_another_process(self, name: str) -> None:
        """Update the stack as another process does: earlier change sets become obsolete."""
        stack = self.existing_stack(name)
        for change_set in self._change_sets_of(stack):
            if not change_set.execution_status.startswith("EXECUTE"):
                self._change(change_set, execution_status="OBSOLETE")
        stack.updated = self.clock.now()
        self.set_status(stack, "UPDATE_IN_PROGRESS", token=OTHER_PROCESS)
        self.later(STEP_SECONDS, lambda: self.set_status(stack, "UPDATE_COMPLETE", token=OTHER_PROCESS))

    def delete_change_sets(self) -> None:
        """Delete all change sets as another process does."""
        for change_set in list(self.change_sets.values()):
            self._remove(change_set)

    # ---------------------------------------------------------------- operations

    def create_change_set(self, *, StackName: str, ChangeSetName: str, **arguments: Any) -> Params:
        template = self.template_of(arguments)
        stack = self.existing_stack(StackName)
        _check_updatable(stack)
        if any(change_set.name == ChangeSetName for change_set in self._change_sets_of(stack)):
            message = f"ChangeSet {ChangeSetName} cannot be created due to a mismatch"
            raise AwsError(message, code="AlreadyExistsException")
        self.check_capabilities(template, arguments, ignored="CAPABILITY_AUTO_EXPAND")
        values = templates.parameter_values(template, arguments.get("Parameters", []), stack.parameters)
        tags = arguments.get("Tags")
        change_set = FakeChangeSet(
            id=self.arn("changeSet", ChangeSetName),
            name=ChangeSetName,
            stack=stack,
            created=self.clock.now(),
            status="CREATE_PENDING",
            execution_status="UNAVAILABLE",
            reason="",
            template=template,
            parameters=values,
            tags=None if tags is None else {tag["Key"]: tag["Value"] for tag in tags},
            changes=list(templates.changes(stack.resources, templates.resolved(template, values))),
            arguments=arguments,
        )
        self.change_sets[change_set.id] = change_set
        self.all_change_sets.append(change_set)
        self._change(change_set)
        self.later(STEP_SECONDS, lambda: self._finish_change_set(change_set))
        return {"Id": change_set.id, "StackId": stack.id}

    def describe_change_set(self, *, ChangeSetName: str, StackName: str = "", NextToken: str = "") -> Params:
        change_set = self._seen_change_set(ChangeSetName, StackName)
        shown = change_set.changes if change_set.status == "CREATE_COMPLETE" else []
        changes = [{"Type": "Resource", "ResourceChange": change} for change in shown]
        return {
            "ChangeSetId": change_set.id,
            "ChangeSetName": change_set.name,
            "StackId": change_set.stack.id,
            "StackName": change_set.stack.name,
            "CreationTime": change_set.created,
            "Status": change_set.status,
            "ExecutionStatus": change_set.execution_status,
            "StatusReason": change_set.reason,
            **self.page("Changes", changes, NextToken),
        }

    def list_change_sets(self, *, StackName: str, NextToken: str = "") -> Params:
        if self.find_stack(StackName) is None:
            raise ValidationError(f"Stack [{StackName}] does not exist")
        summaries = [
            {
                "ChangeSetId": item.id,
                "ChangeSetName": item.name,
                "StackId": item.stack.id,
                "StackName": item.stack.name,
                "Description": item.arguments.get("Description"),
                "Status": item.status,
                "ExecutionStatus": item.execution_status,
            }
            for item in self._seen_change_sets()
            if StackName in {item.stack.id, item.stack.name}
        ]
        return self.page("Summaries", summaries, NextToken)

    def delete_change_set(self, *, ChangeSetName: str, StackName: str) -> None:
        if self.find_stack(StackName) is None:
            raise ValidationError(f"Stack [{StackName}] does not exist")
        change_set = self._find_change_set(ChangeSetName, StackName)
        if change_set.execution_status == "EXECUTE_IN_PROGRESS":
            raise AwsError("the change set is being executed", code="InvalidChangeSetStatus")
        if change_set.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            # The message is AWS's: https://github.com/mweagle/Sparta/issues/45
            text = f"Cannot delete ChangeSet in status {change_set.status}"
            raise AwsError(text, code="InvalidChangeSetStatus")
        self._remove(change_set)

    def execute_change_set(self, *, ChangeSetName: str, StackName: str, ClientRequestToken: str = "") -> None:
        change_set = self._find_change_set(ChangeSetName, StackName)
        if ClientRequestToken == change_set.token != "" and not self.forgets_tokens:
            return
        if change_set.execution_status != "AVAILABLE":
            raise AwsError(
                f"ChangeSet [{change_set.id}] cannot be executed in its current execution status of "
                f"[{change_set.execution_status}]",
                code="InvalidChangeSetStatus",
            )
        _check_updatable(change_set.stack)
        self.on_change("ExecuteChangeSet", change_set.stack)
        self._change(change_set, execution_status="EXECUTE_IN_PROGRESS", token=ClientRequestToken)
        for other in self._change_sets_of(change_set.stack):
            if other is not change_set:
                self._remove(other)
        if self.accept_seconds:
            self.clock.call_later(self.accept_seconds, lambda: self._start_update(change_set))
        else:
            self._start_update(change_set)

    # ---------------------------------------------------------------- what happens later

    def _finish_change_set(self, change_set: FakeChangeSet) -> None:
        if self.change_set_failure or not change_set.changes:
            reason = self.change_set_failure or (
                "The submitted information didn't contain changes. "
                "Submit different information to create a change set."
            )
            self._change(change_set, status="FAILED", reason=reason)
        elif change_set.execution_status != "OBSOLETE":
            self._change(change_set, status="CREATE_COMPLETE", execution_status="AVAILABLE")

    def _start_update(self, change_set: FakeChangeSet) -> None:
        stack = change_set.stack
        stack.updated = self.clock.now()
        if self.removes_executed:
            self._remove(change_set)
        self.set_status(stack, "UPDATE_IN_PROGRESS", token=change_set.token)
        self.later(STEP_SECONDS, lambda: self._finish_update(change_set))

    def _finish_update(self, change_set: FakeChangeSet) -> None:
        stack, token = change_set.stack, change_set.token
        after = templates.resolved(change_set.template, change_set.parameters)
        changed = {c["LogicalResourceId"]: after.get(c["LogicalResourceId"], {}) for c in change_set.changes}
        if self.change_resources(stack, changed, "UPDATE", "FailUpdate", token):
            self._change(change_set, execution_status="EXECUTE_FAILED")
            self.set_status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", token=token)
            stuck = any(templates.failure_reason(after, name, "FailRollback") for name in changed)
            end = "UPDATE_ROLLBACK_FAILED" if stuck else "UPDATE_ROLLBACK_COMPLETE"
            self.later(STEP_SECONDS, lambda: self.set_status(stack, end, token=token))
            return
        self._change(change_set, execution_status="EXECUTE_COMPLETE")
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack.role_arn = change_set.arguments.get("RoleARN", stack.role_arn)
        stack.tags = stack.tags if change_set.tags is None else change_set.tags
        self.set_status(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", token=token)
        self.later(STEP_SECONDS, lambda: self.set_status(stack, "UPDATE_COMPLETE", token=token))

    # ---------------------------------------------------------------- parts

    def _change_sets_of(self, stack: FakeStack) -> list[FakeChangeSet]:
        return [change_set for change_set in self.change_sets.values() if change_set.stack is stack]

    def set_status(self, stack: FakeStack, status: str, *, token: str) -> None:
        super().set_status(stack, status, token=token)
        if status == "DELETE_COMPLETE":
            for change_set in self._change_sets_of(stack):
                self._remove(change_set)

    def _change(self, change_set: FakeChangeSet, **values: str) -> None:
        for name, value in values.items():
            setattr(change_set, name, value)
        if change_set.id in self.change_sets:
            change_set.versions.add(self.clock.now(), copy.copy(change_set))

    def _remove(self, change_set: FakeChangeSet) -> None:
        self.change_sets.pop(change_set.id, None)
        change_set.versions.add(self.clock.now(), None)

    def _find_change_set(self, name_or_id: str, stack: str) -> FakeChangeSet:
        return _find(self.change_sets.values(), name_or_id, stack)

    def _seen_change_set(self, name_or_id: str, stack: str) -> FakeChangeSet:
        """Return the change set as a read shows it."""
        return _find(self._seen_change_sets(), name_or_id, stack)

    def _seen_change_sets(self) -> list[FakeChangeSet]:
        if self.view is View.LATEST:
            return list(self.change_sets.values())
        versions = [item.versions.seen(self.view, self.clock.now()) for item in self.all_change_sets]
        return [item for item in versions if item is not None]


def _check_updatable(stack: FakeStack) -> None:
    if stack.status not in UPDATABLE:
        raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


def _find(change_sets: Iterable[FakeChangeSet], name_or_id: str, stack: str) -> FakeChangeSet:
    for change_set in change_sets:
        if change_set.id == name_or_id:
            return change_set
        if change_set.name == name_or_id and stack in {change_set.stack.id, change_set.stack.name}:
            return change_set
    raise AwsError(f"ChangeSet [{name_or_id}] does not exist", code="ChangeSetNotFound", status=404)
