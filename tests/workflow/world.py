"""The services that an update of a definition calls, with real clients."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from stepline.aws.polling import Poller
from stepline.localaws.protocol import AwsError, Params
from stepline.workflow.definition_file import DefinitionFile
from stepline.workflow.definition_update import (
    Clients,
    Reporter,
    UpdateOptions,
    UpdateResult,
    update_definition,
)
from tests.fakes.clients import client_of
from tests.fakes.cloudformation.templates import ValidationError
from tests.fakes.s3 import FakeS3
from tests.fakes.service import FakeService
from tests.fakes.step_functions import FakeStepFunctions

STACK_ID = "arn:aws:cloudformation:us-east-1:000000000000:stack/my-stack/1"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
UPDATER, STACK, MACHINE = "updater", "my-stack", "arn:aws:states:us-east-1:000000000000:stateMachine:flow"
PUBLISHED = "bucket", "templates/my-stack.template"
OLD = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
NEW = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Comment": "${Url}", "End": True}}}
NEW_TEXT = json.dumps(NEW)
TEMPLATE = {
    "Resources": {
        "Workflow": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "Fn::Transform": {"Name": "M", "Parameters": {"Key": {"Ref": "K"}, "Version": {"Ref": "V"}}},
                "RoleArn": "r",
                "Definition": OLD,
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
    }
}


def processed(definition: str | None) -> dict[str, Any]:
    """Return the template after the macro."""
    properties = {
        "RoleArn": "r",
        **({"Definition": OLD} if definition is None else {"DefinitionString": definition}),
    }
    workflow = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    return {"Resources": {**TEMPLATE["Resources"], "Workflow": workflow}}


def change(logical_id: str = "Workflow", name: str = "DefinitionString") -> dict[str, Any]:
    kind = "AWS::StepFunctions::StateMachine" if logical_id == "Workflow" else "AWS::SQS::Queue"
    resource = {
        "Action": "Modify",
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": [{"Target": {"Attribute": "Properties", "Name": name}}],
    }
    return {"Type": "Resource", "ResourceChange": resource}


@dataclass(eq=False)
class ScriptedCloudFormation(FakeService):
    """Answers as the test says: the fake of `tests.fakes` knows neither macros nor the details of changes.

    `statuses` are those of the stack after an update has started; the last one is repeated.
    `change_set_status` has its reason too. `execution_statuses` of the change set come first, then AVAILABLE.
    `accepted_only`: the first status after ExecuteChangeSet is the previous one.
    """

    service_name: ClassVar[str] = "cloudformation"
    validation_error: ClassVar[type[AwsError]] = ValidationError

    status: str = "UPDATE_COMPLETE"
    statuses: list[str] = field(default_factory=lambda: ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"])
    events: list[dict[str, Any]] = field(default_factory=list)
    pages: list[list[dict[str, Any]]] = field(default_factory=lambda: [[change()]])
    change_set_status: tuple[str, str] = ("CREATE_COMPLETE", "")
    execution_statuses: list[str] = field(default_factory=list)
    injected: str | None = None
    extra_template: dict[str, Any] = field(default_factory=dict)
    change_sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=lambda: {"K": "", "V": "", "Size": "1"})
    executed: dict[str, Any] = field(default_factory=dict)
    accepted_only: bool = False

    def describe_stacks(self, *, StackName: str) -> Params:
        if StackName == UPDATER:
            outputs = {
                "DefinitionsBucketName": "bucket",
                "TemplateUrlPrefix": "https://s3.test/bucket/templates/",
                "MacroName": "M",
                "UpdateRoleArn": "arn:aws:iam::000000000000:role/update",
            }
            listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
            return {"Stacks": [{"StackName": UPDATER, "StackStatus": "CREATE_COMPLETE", "Outputs": listed}]}
        if StackName not in {STACK, STACK_ID}:
            raise ValidationError(f"Stack with id {StackName} does not exist")
        if self.executed:
            self.status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {
            "Stacks": [
                {
                    "StackId": STACK_ID,
                    "StackName": STACK,
                    "CreationTime": CREATED,
                    "StackStatus": self.status,
                    "Parameters": _listed(self.parameters),
                }
            ]
        }

    def get_template(self, *, StackName: str, TemplateStage: str, ChangeSetName: str = "") -> Params:
        if ChangeSetName:
            body = {**processed(NEW_TEXT if self.injected is None else self.injected), **self.extra_template}
            return {"TemplateBody": json.dumps(body)}
        return {"TemplateBody": json.dumps(TEMPLATE if TemplateStage == "Original" else processed(None))}

    def describe_stack_resource(self, **_rest: Any) -> Params:
        return {"StackResourceDetail": {"PhysicalResourceId": MACHINE}}

    def create_change_set(self, *, ChangeSetName: str, Parameters: Any, **request: Any) -> Params:
        values = {
            item["ParameterKey"]: item.get("ParameterValue", self.parameters[item["ParameterKey"]])
            for item in Parameters
        }
        self.change_sets[ChangeSetName] = {"values": values, **request}
        return {"Id": "id"}

    def describe_change_set(self, *, StackName: str, ChangeSetName: str, NextToken: str = "0") -> Params:
        status, reason = self.change_set_status
        page = int(NextToken)
        more = {"NextToken": str(page + 1)} if page + 1 < len(self.pages) else {}
        values = self.change_sets[ChangeSetName]["values"]
        return {
            "Status": status,
            "ExecutionStatus": self.execution_statuses.pop(0) if self.execution_statuses else "AVAILABLE",
            "StatusReason": reason,
            "CreationTime": CREATED,
            "Changes": self.pages[page],
            "Parameters": _listed(values),
            **more,
        }

    def execute_change_set(self, **request: Any) -> None:
        self.executed = request

    def delete_change_set(self, *, ChangeSetName: str, **_rest: Any) -> None:
        self.change_sets.pop(ChangeSetName, None)

    def describe_stack_events(self, **_rest: Any) -> Params:
        """Return events, newest first; those without a token belong to the started update."""
        own = {"ClientRequestToken": self.executed["ClientRequestToken"]}
        of_stack = {
            "ResourceType": "AWS::CloudFormation::Stack",
            "PhysicalResourceId": STACK_ID,
            "ResourceStatus": self.status,
        }
        if self.accepted_only:
            self.accepted_only = False
            own = {"ClientRequestToken": "of an earlier update"}
        every = {"StackId": STACK_ID, "EventId": "e", "StackName": STACK, "Timestamp": CREATED}
        return {"StackEvents": [{**every, **own, **event} for event in (of_stack, *self.events)]}


@dataclass(eq=False)
class StateMachines(FakeStepFunctions):
    """The state machine of the stack, with the definition that the update has put into it."""

    machines: dict[str, str] = field(default_factory=lambda: {MACHINE: "STANDARD"})
    definition: str = NEW_TEXT.replace("${Url}", "https://queue")

    def describe_state_machine(self, **params: Any) -> Params:
        described = super().describe_state_machine(**params)
        return {**described, "definition": self.definition, "revisionId": "r2"}


@dataclass
class World:
    """The services, and what an update reports. `deferrals`: how often Ctrl-C was deferred."""

    cloudformation: ScriptedCloudFormation = field(default_factory=ScriptedCloudFormation)
    s3: FakeS3 = field(default_factory=lambda: FakeS3(put_version="v2"))
    stepfunctions: StateMachines = field(default_factory=StateMachines)
    messages: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    poller: Poller = field(default_factory=lambda: Poller(1.0, None, sleep=lambda _seconds: None))
    deferrals: int = 0

    def __post_init__(self) -> None:
        self.s3.put(*PUBLISHED, json.dumps(TEMPLATE).encode())

    @property
    def clients(self) -> Clients:
        return Clients(client_of(self.cloudformation), client_of(self.s3), client_of(self.stepfunctions))

    @property
    def written(self) -> dict[str, bytes]:
        """The objects that were written, by key."""
        return {request.key: request.body for request in self.s3.called("PutObject")}

    def deploy(
        self,
        text: str = NEW_TEXT,
        *,
        dry_run: bool = False,
        stack: str = STACK,
        logical_id: str | None = None,
    ) -> UpdateResult:
        file = DefinitionFile.parse("flow.json", text.encode())
        reporter = Reporter(
            message=self.messages.append,
            changes=lambda states, lines: self.changes.extend([*states, *lines]),
        )
        return update_definition(
            UpdateOptions(file, stack, logical_id, UPDATER, dry_run),
            self.clients,
            self.poller,
            reporter,
            self.defer,
        )

    @contextlib.contextmanager
    def defer(self) -> Iterator[None]:
        self.deferrals += 1
        yield


def _listed(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
