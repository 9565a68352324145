"""The Deploy state machine as a whole, in this process: the real ASL, the real handlers.

Only AWS itself is replaced: `FakeCloudFormation` and `FakeS3` behind real botocore clients,
Step Functions by the local AWS, time by a `VirtualClock`.
"""

from __future__ import annotations

import importlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from statemachines.task import Handler
from stepline.localaws.clock import VirtualClock
from stepline.localaws.events import AwsEvent
from stepline.localaws.stepfunctions import StepFunctions
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.pipeline.clients import client_of
from tests.statemachines.fake_client import fake_client
from tests.statemachines.fake_cloudformation import FakeCloudFormation
from tests.statemachines.fake_s3 import FakeS3

PROJECT = Path(__file__).parents[2]
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
)
"""The handler modules, one per Lambda function."""

BUCKET, KEY = "artifacts", "pipeline/source/abc.zip"
INPUT = {
    "environmentName": "dev",
    "stackName": "app",
    "templatePath": "template.json",
    "revisionS3Bucket": BUCKET,
    "revisionS3Key": KEY,
    "codepipeline": {"jobId": "11111111-2222-3333-4444-555555555555", "accountId": "000000000000"},
}
ENVIRONMENT = {
    "POLL_SECONDS": "10",
    "MAX_WAIT_MINUTES": "30",
    "TEMPLATE_BUCKET": "templates-bucket",
    "CLOUDFORMATION_ROLE_ARN": "arn:aws:iam::000000000000:role/deployer",
}


def function_name(task: str) -> str:
    """`create_stack` -> `CreateStack`, as in the ASL's substitutions."""
    return "".join(word.capitalize() for word in task.split("_"))


def load_handler(task: str) -> Handler:
    handler: Handler = importlib.import_module(f"statemachines.deploy.{task}").handler
    return handler


def load_asl() -> dict[str, Any]:
    """The state machine before substitution: valid JSON."""
    document: dict[str, Any] = json.loads(ASL_FILE.read_text())
    return document


class Arns(Protocol):
    def arn(self, name: str) -> str:
        """The ARN of the function `name`."""


def definition(functions: Arns) -> str:
    """The state machine as it is created, with the functions' ARNs filled in."""
    text = ASL_FILE.read_text()
    for task in TASKS:
        name = function_name(task)
        text = text.replace(f"${{{name}FunctionArn}}", functions.arn(name))
    return text


def artifact(files: Mapping[str, str | bytes]) -> bytes:
    """The zip that a pipeline's source action makes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


LOOP = 3
"""States of a wait loop: Wait, Task, Choice."""

AGAIN = " (again)"


@dataclass(frozen=True)
class Run:
    """An execution that has ended."""

    status: str
    output: Any
    error: str
    cause: str
    history: tuple[dict[str, Any], ...]

    @property
    def path(self) -> list[str]:
        """The states in order, as the cases write them.

        "Create Stack: StackChangedError" was left by a Catch. Of a wait loop that went round several
        times only one round is told, and its last state is "Stack Created? (again)".
        """
        return _without_repeated_loops(list(_steps(self.history)))


@dataclass
class FunctionFault:
    """The `on`-th run of a function ends with an error of that name; `acted`: after it did its work."""

    function: str
    on: tuple[int, ...]
    error: str
    acted: bool = False


@dataclass
class Machine:
    """Everything that one deployment touches."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    s3: FakeS3 = field(default_factory=FakeS3)
    cloudformation: FakeCloudFormation = field(init=False)
    function_faults: list[FunctionFault] = field(default_factory=list)
    functions: InProcessFunctions = field(init=False)
    _runs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cloudformation = FakeCloudFormation(clock=self.clock, s3=self.s3)
        self.clients = {
            "cloudformation": fake_client("cloudformation", self.cloudformation),
            "s3": fake_client("s3", self.s3),
        }
        self._handlers = {function_name(task): self._function(task) for task in TASKS}
        self.functions = InProcessFunctions(self._handlers)

    def remove_function(self, name: str) -> None:
        del self._handlers[name]

    def push(self, files: Mapping[str, str | bytes]) -> None:
        self.s3.objects[BUCKET, KEY] = artifact(files)

    def run(self, document: Any, *, name: str = "job-1") -> Run:
        """Run one execution to its end, in virtual time."""
        events: list[AwsEvent] = []
        service = build_stepfunctions(self.clock, lambda _service: self.functions, events=events.append)
        try:
            return self._run(service, events, document, name)
        finally:
            service.close()

    def _run(self, service: StepFunctions, events: list[AwsEvent], document: Any, name: str) -> Run:
        client = client_of(service)
        machine = client.create_state_machine(
            name="deploy",
            definition=definition(self.functions),
            roleArn="arn:aws:iam::000000000000:role/machine",
        )
        arn = client.start_execution(
            stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(document)
        )["executionArn"]
        self.clock.run(
            until=lambda: events[-1].detail["status"] != "RUNNING",
            max_steps=50_000,
        )
        answer = client.describe_execution(executionArn=arn)
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, maxResults=1000)
        history = tuple(event for page in pages for event in page["events"])
        return Run(
            status=answer["status"],
            output=json.loads(answer["output"]) if "output" in answer else None,
            error=answer.get("error", ""),
            cause=answer.get("cause", ""),
            history=history,
        )

    def _function(self, task: str) -> Handler:
        handler, name = load_handler(task), function_name(task)

        def run(event: Any, context: Any) -> Any:
            self._runs[name] = count = self._runs.get(name, 0) + 1
            fault = next((f for f in self.function_faults if f.function == name and count in f.on), None)
            if fault is not None and not fault.acted:
                raise _exception(fault.error)
            answer = handler(event, context)
            if fault is not None:
                raise _exception(fault.error)
            return answer

        return run


def _exception(name: str) -> Exception:
    """An error that Lambda reports under `name`."""
    exception: Exception = type(name, (Exception,), {})("the function broke")
    return exception


def _steps(history: tuple[dict[str, Any], ...]) -> Iterator[str]:
    state, error = "", ""
    for event in history:
        if event["type"].endswith("StateEntered"):
            state, error = event["stateEnteredEventDetails"]["name"], ""
            if event["type"] == "FailStateEntered":
                yield state
        elif event["type"] == "TaskFailed":
            error = event["taskFailedEventDetails"]["error"]
        elif event["type"] == "TaskSucceeded":
            error = ""
        elif event["type"].endswith("StateExited"):
            yield f"{state}: {error}" if error else state


def _without_repeated_loops(states: list[str]) -> list[str]:
    path: list[str] = []
    for state in states:
        path.append(state)
        if len(path) >= 2 * LOOP and path[-LOOP].startswith("Wait "):
            before = [item.removesuffix(AGAIN) for item in path[-2 * LOOP : -LOOP]]
            if before == path[-LOOP:]:
                del path[-LOOP:]
                path[-1] = before[-1] + AGAIN
    return path
