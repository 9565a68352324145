"""CloudFormation, S3 and Step Functions in memory, as far as a deployment uses them, behind real clients."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.response import StreamingBody

from stepline.aws.polling import Polling
from stepline.workflow.definition_file import DefinitionFile
from stepline.workflow.deployment import Clients, DeployOptions, Outcome, Screen, deploy
from tests.statemachines.fake_client import FakeAwsError, FakeService, fake_client

STACK_ID = "arn:aws:cloudformation:us-east-1:000000000000:stack/my-stack/1"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
UPDATER, STACK, MACHINE = "updater", "my-stack", "arn:aws:states:us-east-1:000000000000:stateMachine:flow"
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
    """The template as the macro leaves it."""
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


@dataclass
class Stacks(FakeService):
    """`statuses` are those of the stack after an update began; the last one stays."""

    status: str = "UPDATE_COMPLETE"
    statuses: list[str] = field(default_factory=lambda: ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"])
    events: list[dict[str, Any]] = field(default_factory=list)
    pages: list[list[dict[str, Any]]] = field(default_factory=lambda: [[change()]])
    made: tuple[str, str] = ("CREATE_COMPLETE", "")
    execution_statuses: list[str] = field(default_factory=list)  # of the next answers; then AVAILABLE
    injected: str | None = None
    extra_template: dict[str, Any] = field(default_factory=dict)
    change_sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=lambda: {"K": "", "V": "", "Size": "1"})
    executed: dict[str, Any] = field(default_factory=dict)
    accepted_only: bool = False  # the first status after ExecuteChangeSet is still that of before

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
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
            raise FakeAwsError("ValidationError", f"Stack with id {StackName} does not exist")
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

    def get_template(self, *, StackName: str, TemplateStage: str, ChangeSetName: str = "") -> dict[str, Any]:
        if ChangeSetName:
            body = {**processed(NEW_TEXT if self.injected is None else self.injected), **self.extra_template}
            return {"TemplateBody": json.dumps(body)}
        return {"TemplateBody": json.dumps(TEMPLATE if TemplateStage == "Original" else processed(None))}

    def describe_stack_resource(self, **_rest: Any) -> dict[str, Any]:
        return {"StackResourceDetail": {"PhysicalResourceId": MACHINE}}

    def create_change_set(self, *, ChangeSetName: str, Parameters: Any, **request: Any) -> dict[str, Any]:
        values = {
            item["ParameterKey"]: item.get("ParameterValue", self.parameters[item["ParameterKey"]])
            for item in Parameters
        }
        self.change_sets[ChangeSetName] = {"values": values, **request}
        return {"Id": "id"}

    def describe_change_set(
        self, *, StackName: str, ChangeSetName: str, NextToken: str = "0"
    ) -> dict[str, Any]:
        status, reason = self.made
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

    def describe_stack_events(self, **_rest: Any) -> dict[str, Any]:
        """The newest first; those without a token of their own belong to the update that began."""
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


@dataclass
class Objects(FakeService):
    template: str | None = field(default_factory=lambda: json.dumps(TEMPLATE))
    version: str | None = "v2"
    refused: str = "nothing"  # the beginning of what may not be written
    written: dict[str, bytes] = field(default_factory=dict)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_rest: Any) -> dict[str, Any]:
        if f"{Bucket}/{Key}".startswith(self.refused):
            raise FakeAwsError("AccessDenied", "no", 403)
        self.written[f"{Bucket}/{Key}"] = Body
        return {"VersionId": self.version} if self.version else {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if self.template is None:
            raise FakeAwsError("AccessDenied", "no", 403)  # as for who may not list the bucket
        body = self.template.encode()
        return {"Body": StreamingBody(io.BytesIO(body), len(body)), "ContentLength": len(body)}


@dataclass
class Machines(FakeService):
    definition: str = NEW_TEXT.replace("${Url}", "https://queue")

    def describe_state_machine(self, **_rest: Any) -> dict[str, Any]:
        return {"definition": self.definition, "revisionId": "r2", "stateMachineArn": MACHINE}


@dataclass
class Cloud:
    stacks: Stacks = field(default_factory=Stacks)
    objects: Objects = field(default_factory=Objects)
    machines: Machines = field(default_factory=Machines)
    said: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    polling: Polling = field(default_factory=lambda: Polling(1.0, None, sleep=lambda _seconds: None))
    held: int = 0

    @property
    def clients(self) -> Clients:
        return Clients(
            fake_client("cloudformation", self.stacks),
            fake_client("s3", self.objects),
            fake_client("stepfunctions", self.machines),
        )

    def deploy(
        self,
        text: str = NEW_TEXT,
        *,
        dry_run: bool = False,
        stack: str = STACK,
        logical_id: str | None = None,
    ) -> Outcome:
        file = DefinitionFile.parse("flow.json", text.encode())
        screen = Screen(say=self.said.append, show=lambda states, lines: self.shown.extend([*states, *lines]))
        return deploy(
            DeployOptions(file, stack, logical_id, UPDATER, dry_run),
            self.clients,
            self.polling,
            screen,
            self.hold,
        )

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        self.held += 1
        yield


def _listed(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
