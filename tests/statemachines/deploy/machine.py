"""The Deploy state machine as a whole, in this process: the real ASL and the real handlers.

Only AWS is replaced: CloudFormation and S3 by fakes, Step Functions by the local AWS, time by a
`VirtualClock`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from statemachines.approvals import current_time
from statemachines.deploy.request import find_target
from statemachines.task import Handler
from stepline.core import clients
from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields
from stepline.localaws.clock import VirtualClock
from stepline.localaws.events import AwsEvent
from tests.fakes.clients import client_of
from tests.fakes.cloudformation.change_sets import FakeCloudFormation
from tests.fakes.codepipeline import FakeCodePipeline
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.iam import FakeIam
from tests.fakes.notifications import FakeCloudWatch, FakeSns
from tests.fakes.s3 import FakeS3
from tests.fakes.service import Calls
from tests.fakes.sts import FakeSts
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.approvals.approvers import Approvers
from tests.statemachines.deploy.path import path_of
from tests.statemachines.execution import ROLE_ARN, Execution, read_execution

PROJECT = Path(__file__).parents[3]
ASL_FILE = PROJECT / "statemachines/deploy/deploy.asl.json"
TASKS = (
    "check_stack_exists",
    "create_stack",
    "check_stack_creation_status",
    "create_change_set",
    "check_change_set_creation_status",
    "inspect_change_set",
    "apply_stack_policy",
    "execute_change_set",
    "check_stack_update_status",
    "delete_change_set",
    "delete_failed_stack",
    "check_stack_deletion_status",
    "collect_outputs",
    "ask_for_approval",
    "check_approval",
)
"""The modules of the handlers of the state machine, one for each Lambda function."""

FUNCTIONS = (*TASKS, "answer_approval")
"""Those of the functions that others invoke, too."""

BUCKET, KEY = "artifacts", "pipeline/source/abc.zip"
INPUT = {
    "environmentName": "dev",
    "stackName": "app",
    "templatePath": "template.json",
    "revisionS3Bucket": BUCKET,
    "revisionS3Key": KEY,
    "codepipeline": {"jobId": "11111111-2222-3333-4444-555555555555", "accountId": "000000000000"},
}
APPROVALS_TABLE = "stepline-deploy-approvals"
ENVIRONMENT = {
    "POLL_SECONDS": "10",
    "MAX_WAIT_MINUTES": "30",
    "TEMPLATE_BUCKET": "templates-bucket",
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:deploy",
    "CLOUDFORMATION_ROLE_ARN": "arn:aws:iam::000000000000:role/deployer",
    "PIPELINE_STACK_NAME": "stepline",
    "OTHER_CLOUDFORMATION_ROLE_ARNS": "arn:aws:iam::000000000000:role/other-deployer",
    "ADOPTED_STACK_NAMES": "prod-adopted,dev-adopted",
    "APPROVALS_TABLE_ARN": f"arn:aws:dynamodb:us-east-1:000000000000:table/{APPROVALS_TABLE}",
    "APPROVAL_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:alarms",
}
SUBSTITUTIONS = {
    "Partition": "aws",
    "PipelineStackName": "stepline",
    "PipelineName": "pipeline",
    "ConsoleUrl": "https://us-east-1.console.aws.amazon.com",
    "Region": "us-east-1",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:000000000000:alarms",
}
"""The substitutions besides the functions."""

_MAX_STEPS = 50_000


def function_name(task: str) -> str:
    """`create_stack` -> `CreateStack`, as in the ASL's substitutions."""
    return "".join(word.capitalize() for word in task.split("_"))


def load_handler(task: str) -> Handler:
    handler: Handler = importlib.import_module(f"statemachines.deploy.{task}").handler
    return handler


def load_asl() -> dict[str, Any]:
    """Return the state machine before substitution: valid JSON."""
    document: dict[str, Any] = json.loads(ASL_FILE.read_text())
    return document


@functools.cache
def _read_asl() -> str:
    return ASL_FILE.read_text()


class Arns(Protocol):
    def arn(self, name: str) -> str:
        """Return the ARN of the function `name`."""


def definition(functions: Arns) -> str:
    """Return the state machine as it is created, with the ARNs of the functions."""
    arns = {f"{name}FunctionArn": functions.arn(name) for name in map(function_name, TASKS)}
    text = _read_asl()
    for name, value in (SUBSTITUTIONS | arns).items():
        text = text.replace(f"${{{name}}}", value)
    return text


def artifact(files: Mapping[str, str | bytes]) -> bytes:
    """Return the zip archive that a pipeline's source action makes of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def _role_of(document: Any) -> clients.AssumedRole | None:
    """Return the role of the target that the input names."""
    with contextlib.suppress(InvalidInputError):
        target = find_target(Fields(document, "the input"))
        return target.role if target else None
    return None


@dataclass(frozen=True)
class DeployExecution(Execution):
    @property
    def path(self) -> list[str]:
        return path_of(self.history)


@dataclass
class Machine:
    """Everything that one deployment uses. `function_calls` are those of Lambda functions, by name.

    `on_status` gets the status events of the execution while it runs; `stepfunctions` is its service,
    which `stays_open` after it. Stacks are where `role` sees them; None: in the pipeline's own account.
    """

    clock: VirtualClock = field(default_factory=VirtualClock)
    s3: FakeS3 = field(default_factory=FakeS3)
    sns: FakeSns = field(default_factory=FakeSns)
    sts: FakeSts = field(default_factory=FakeSts)
    dynamodb: FakeDynamoDb = field(default_factory=lambda: FakeDynamoDb(tables=[(APPROVALS_TABLE, "id")]))
    cloudwatch: FakeCloudWatch = field(default_factory=FakeCloudWatch)
    iam: FakeIam = field(default_factory=lambda: FakeIam(allowed={"sqs:GetQueueAttributes", "sqs:TagQueue"}))
    codepipeline: FakeCodePipeline = field(default_factory=FakeCodePipeline)
    cloudformation_class: type[FakeCloudFormation] = FakeCloudFormation
    function_calls: Calls = field(default_factory=Calls)
    role: clients.AssumedRole | None = None
    on_status: Callable[[AwsEvent], None] = lambda _event: None
    stepfunctions: Any = None
    stays_open: bool = False

    def __post_init__(self) -> None:
        self.s3.now = self.clock.now
        self.cloudformation = self.cloudformation_class(clock=self.clock, s3=self.s3)
        self._handlers = {function_name(task): self._function(task) for task in FUNCTIONS}
        self.functions = InProcessFunctions(self._handlers)
        self.approvers = Approvers(self.clock, self.sts, self.functions)
        self.approvers.attach(self.sns)

    @contextlib.contextmanager
    def connected(self) -> Iterator[Machine]:
        """Let the handlers call the fakes, with the environment of the functions."""
        with (
            mock.patch.dict(os.environ, ENVIRONMENT),
            mock.patch.object(clients, "cloudformation", self._cloudformation_client),
            mock.patch.object(clients, "codepipeline", return_value=client_of(self.codepipeline)),
            mock.patch.object(clients, "iam", return_value=client_of(self.iam)),
            mock.patch.object(clients, "s3", return_value=client_of(self.s3)),
            mock.patch.object(clients, "stepfunctions", self._stepfunctions_client),
            mock.patch.object(clients, "sns", return_value=client_of(self.sns)),
            mock.patch.object(clients, "dynamodb", return_value=client_of(self.dynamodb)),
            mock.patch.object(clients, "unsigned_sts", return_value=client_of(self.sts)),
            mock.patch.object(current_time, "now", self.clock.now),
        ):
            try:
                yield self
            finally:
                if self.stays_open and self.stepfunctions is not None:
                    self.stepfunctions.close()

    def _cloudformation_client(self) -> Any:
        """Return the client of the account and region where the assumed role sees its stacks."""
        is_here = clients.assumed_role() == self.role
        return client_of(self.cloudformation if is_here else FakeCloudFormation(clock=self.clock, s3=self.s3))

    def _stepfunctions_client(self) -> Any:
        return None if self.stepfunctions is None else client_of(self.stepfunctions)

    def remove_function(self, name: str) -> None:
        del self._handlers[name]

    def create_change_set(self, event: Any) -> Any:
        """Create a change set as the task does, and wait for it."""
        change_set = load_handler("create_change_set")(event, None)
        self.clock.run(max_steps=_MAX_STEPS)
        progress = load_handler("check_change_set_creation_status")({"changeSet": change_set}, None)
        return {**change_set, "progress": progress}

    def push(self, files: Mapping[str, str | bytes]) -> None:
        self.s3.put(BUCKET, KEY, artifact(files))

    def run(self, document: Any, *, name: str = "job-1") -> DeployExecution:
        """Run one execution to its end, and what its end starts, in virtual time."""
        events: list[AwsEvent] = []

        def receive(event: AwsEvent) -> None:
            events.append(event)
            self.on_status(event)

        self.role = _role_of(document)
        service = self.stepfunctions = build_stepfunctions(self.clock, self._task_client, events=receive)
        client = client_of(service)
        try:
            machine = client.create_state_machine(
                name="deploy", definition=definition(self.functions), roleArn=ROLE_ARN
            )
            arn = client.start_execution(
                stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(document)
            )["executionArn"]
            self.clock.run(until=lambda: events[-1].detail["status"] != "RUNNING", max_steps=_MAX_STEPS)
            return DeployExecution(**vars(read_execution(client, arn)))
        finally:
            if not self.stays_open:
                service.close()

    def _task_client(self, service: str) -> Any:
        clients = {"sns": self.sns, "cloudwatch": self.cloudwatch}
        return client_of(clients[service]) if service in clients else self.functions

    def _function(self, task: str) -> Handler:
        handler, name = load_handler(task), function_name(task)
        return lambda event, context: self.function_calls.perform(
            name, event, lambda: handler(event, context)
        )
