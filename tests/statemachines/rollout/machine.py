"""The rollout as a whole, in this process: the real ASL and handlers; deployments are a small state machine.

A deployment succeeds after the seconds of its parameter `Seconds`, and fails with the text of its parameter
`Failure`. Time is a `VirtualClock`.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from statemachines.approvals import current_time
from statemachines.rollout import (
    answer_wave_approval,
    ask_for_wave_approval,
    check_alarms,
    check_wave_approval,
    explain_target_failure,
    finish_wave,
    plan_rollout,
)
from stepline.core import clients
from stepline.localaws.clock import VirtualClock
from stepline.localaws.protocol import Params
from tests.fakes.clients import client_of
from tests.fakes.codepipeline import FakeCodePipeline
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.notifications import FakeSns
from tests.fakes.s3 import FakeS3
from tests.fakes.service import Calls, FakeService
from tests.fakes.sts import FakeSts
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.approvals.approvers import Approvers
from tests.statemachines.deploy.machine import BUCKET, INPUT, KEY, artifact
from tests.statemachines.execution import ROLE_ARN, Execution, read_execution

PROJECT = Path(__file__).parents[3]
ASL_FILE = PROJECT / "statemachines/rollout/rollout.asl.json"
APPROVALS_TABLE = "stepline-rollout-wave-approvals"
ENVIRONMENT = {
    "MAX_CONCURRENCY": "10",
    "BAKE_POLL_SECONDS": "60",
    "APPROVALS_TABLE_ARN": f"arn:aws:dynamodb:us-east-1:000000000000:table/{APPROVALS_TABLE}",
    "APPROVAL_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:alarms",
}
ANSWER_FUNCTION = "AnswerWaveApproval"
HANDLERS: dict[str, Any] = {
    "PlanRollout": plan_rollout.handler,
    "ExplainTargetFailure": explain_target_failure.handler,
    "FinishWave": finish_wave.handler,
    "CheckAlarms": check_alarms.handler,
    "AskForWaveApproval": ask_for_wave_approval.handler,
    "CheckWaveApproval": check_wave_approval.handler,
}
BASE_INPUT: dict[str, Any] = {
    **INPUT,
    "environmentName": "prod",
    "parameters": {"Seconds": "60", "Failure": ""},
}
DEPLOY: dict[str, Any] = {
    "StartAt": "Deploy",
    "States": {
        "Deploy": {"Type": "Pass", "Parameters": {"parameters.$": "$.parameters"}, "Next": "Parse"},
        "Parse": {
            "Type": "Pass",
            "Parameters": {"seconds.$": "States.StringToJson($.parameters.Seconds)"},
            "ResultPath": "$.parsed",
            "Next": "Wait",
        },
        "Wait": {"Type": "Wait", "SecondsPath": "$.parsed.seconds", "Next": "Fails?"},
        "Fails?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.parameters.Failure", "StringEquals": "", "Next": "Done"}],
            "Default": "Failed",
        },
        "Failed": {"Type": "Fail", "Error": "StackUpdateFailedError", "CausePath": "$.parameters.Failure"},
        "Done": {"Type": "Succeed"},
    },
}


def load_asl() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ASL_FILE.read_text())
    return document


def target(name: str, **overrides: Any) -> dict[str, Any]:
    """Return a target in an account of its own, or with other members."""
    account = f"{zlib.crc32(name.encode()) + 10**11:012d}"
    role = {"region": "eu-west-1", "roleArn": f"arn:aws:iam::{account}:role/deployer"}
    return {"name": name, "target": role, **overrides}


@dataclass(eq=False)
class FakeAlarms(FakeService):
    """`raised`: alarm -> the time, in seconds of the clock, at which it goes off."""

    service_name: ClassVar[str] = "cloudwatch"
    clock: VirtualClock = field(default_factory=VirtualClock)
    alarms: list[str] = field(default_factory=list)
    raised: Mapping[str, float] = field(default_factory=dict)

    def describe_alarms(self, AlarmNames: list[str], **_more: Any) -> Params:
        found = [name for name in AlarmNames if name in self.alarms]
        return {"MetricAlarms": [self._alarm(name) for name in found]}

    def _alarm(self, name: str) -> dict[str, Any]:
        is_raised = name in self.raised and self._seconds >= self.raised[name]
        state = "ALARM" if is_raised else "OK"
        return {"AlarmName": name, "StateValue": state, "StateReason": "too many errors"}

    @property
    def _seconds(self) -> float:
        return (self.clock.now() - VirtualClock().now()).total_seconds()


@dataclass
class Machine:
    alarms: list[str] = field(default_factory=list)
    raised: Mapping[str, float] = field(default_factory=dict)
    clock: VirtualClock = field(default_factory=VirtualClock)
    s3: FakeS3 = field(default_factory=FakeS3)
    sns: FakeSns = field(default_factory=FakeSns)
    sts: FakeSts = field(default_factory=FakeSts)
    dynamodb: FakeDynamoDb = field(default_factory=lambda: FakeDynamoDb(tables=[(APPROVALS_TABLE, "id")]))
    codepipeline: FakeCodePipeline = field(default_factory=FakeCodePipeline)
    function_calls: Calls = field(default_factory=Calls)

    def __post_init__(self) -> None:
        self.cloudwatch = FakeAlarms(clock=self.clock, alarms=self.alarms, raised=self.raised)
        answers = {ANSWER_FUNCTION: answer_wave_approval.handler}
        self.functions = InProcessFunctions({**HANDLERS, **answers})
        self.approvers = Approvers(self.clock, self.sts, self.functions, function=ANSWER_FUNCTION)
        self.approvers.attach(self.sns)
        self._service = build_stepfunctions(self.clock, self._task_client)
        self.stepfunctions = client_of(self._service)
        deploy = self._create("deploy", json.dumps(DEPLOY))
        values = {
            "Partition": "aws",
            "DeployStateMachineArn": deploy,
            **{f"{name}FunctionArn": self.functions.arn(name) for name in HANDLERS},
        }
        text = ASL_FILE.read_text()
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        self._arn, self._deploy_arn = self._create("rollout", text), deploy

    def push(self, files: Mapping[str, str]) -> None:
        self.s3.put(BUCKET, KEY, artifact(files))

    def start(self, document: Any, *, name: str = "run") -> str:
        return str(
            self.stepfunctions.start_execution(
                stateMachineArn=self._arn, name=name, input=json.dumps(document)
            )["executionArn"]
        )

    def run(self, document: Any, *, name: str = "run") -> Execution:
        with self.connected():
            arn = self.start(document, name=name)
            self.clock.run(until=lambda: self.status(arn) != "RUNNING", max_steps=100_000)
            return read_execution(self.stepfunctions, arn)

    def status(self, arn: str) -> str:
        return str(self.stepfunctions.describe_execution(executionArn=arn)["status"])

    def deployments(self) -> list[dict[str, Any]]:
        """Return all deployments, in the order of their starts."""
        pages = self.stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=self._deploy_arn)
        found = [item for page in pages for item in page["executions"]]
        return sorted(found, key=lambda item: (item["startDate"], item["name"]))

    def input_of(self, deployment: Mapping[str, Any]) -> Any:
        described = self.stepfunctions.describe_execution(executionArn=deployment["executionArn"])
        return json.loads(described["input"])

    def close(self) -> None:
        self._service.close()

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        with (
            mock.patch.dict(os.environ, ENVIRONMENT),
            mock.patch.object(clients, "s3", return_value=client_of(self.s3)),
            mock.patch.object(clients, "cloudwatch", return_value=client_of(self.cloudwatch)),
            mock.patch.object(clients, "codepipeline", return_value=client_of(self.codepipeline)),
            mock.patch.object(clients, "stepfunctions", return_value=self.stepfunctions),
            mock.patch.object(clients, "sns", return_value=client_of(self.sns)),
            mock.patch.object(clients, "dynamodb", return_value=client_of(self.dynamodb)),
            mock.patch.object(clients, "unsigned_sts", return_value=client_of(self.sts)),
            mock.patch.object(current_time, "now", self.clock.now),
        ):
            yield

    def _create(self, name: str, definition: str) -> str:
        created = self.stepfunctions.create_state_machine(name=name, definition=definition, roleArn=ROLE_ARN)
        return str(created["stateMachineArn"])

    def _task_client(self, service: str) -> Any:
        return self.functions if service == "lambda" else self.stepfunctions
