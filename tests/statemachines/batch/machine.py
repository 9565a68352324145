"""The batch workflow as a whole, in this process: the real ASL, the real handlers, the local AWS Batch.

Only programs and time are replaced: a test chooses how each job ends, and a `VirtualClock` runs hours in
milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from statemachines.batch import explain_failure, validate_input
from stepline.localaws.batch import Batch, Outcome, Task
from stepline.localaws.clock import VirtualClock
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import AwsError, Params
from tests.fakes.clients import client_of
from tests.in_process_functions import InProcessFunctions
from tests.localaws.batch.fake_containers import FakeContainers
from tests.localaws.batch.world import CONTAINER
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.execution import ROLE_ARN, Execution, read_execution

PROJECT = Path(__file__).parents[3]
ASL_FILE = PROJECT / "statemachines/batch/batch.asl.json"
LOG_GROUP = "/aws/batch/stepline-batch"
ENVIRONMENT = {"MAX_CONCURRENCY": "2", "JOB_LOG_GROUP": LOG_GROUP}
HANDLERS: dict[str, Any] = {
    "ValidateInput": validate_input.handler,
    "ExplainFailure": explain_failure.handler,
}


def load_asl() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ASL_FILE.read_text())
    return document


class FaultyBatch(Batch):
    """`faults`: error codes of the first submissions. `describe_calls` counts the calls of DescribeJobs."""

    faults: list[str]
    describe_calls = 0

    def describe_jobs(self, params: Params) -> Params:
        self.describe_calls += 1
        return super().describe_jobs(params)

    def submit_job(self, params: Params) -> Params:
        if self.faults:
            code = self.faults.pop(0)
            status = 429 if code == "TooManyRequestsException" else 500
            raise AwsError("refused by the test", code=code, status=status)
        return super().submit_job(params)


@dataclass
class Machine:
    """`outcomes` and `seconds`: how jobs end and how long they run, by their parameter."""

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    attempts: int = 1
    timeout_seconds: int = 3600
    publishes_events: bool = True
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.containers = FakeContainers(
            self.clock,
            outcome=lambda task: self.outcomes.get(_parameter(task), Outcome(0)),
            run_seconds=lambda task: self.seconds.get(_parameter(task), 60.0),
        )
        self.batch_service = FaultyBatch(Context(self.clock, self._publish), containers=self.containers)
        self.batch_service.faults = list(self.faults)
        self.batch = client_of(self.batch_service)
        functions = InProcessFunctions(HANDLERS)
        task_clients = {"lambda": functions, "batch": self.batch}
        self._service = build_stepfunctions(self.clock, task_clients.__getitem__)
        self.stepfunctions = client_of(self._service)
        self._machine_arn = self.stepfunctions.create_state_machine(
            name="batch", definition=self._definition(functions), roleArn=ROLE_ARN
        )["stateMachineArn"]

    def start(self, document: Any, *, name: str = "run") -> str:
        """Start an execution and return its ARN."""
        return str(
            self.stepfunctions.start_execution(
                stateMachineArn=self._machine_arn, name=name, input=json.dumps(document)
            )["executionArn"]
        )

    def run(self, document: Any, *, name: str = "run") -> Execution:
        arn = self.start(document, name=name)
        self.clock.run(until=lambda: self.status(arn) != "RUNNING")
        self.settle()
        execution = read_execution(self.stepfunctions, arn)
        self.close()
        return execution

    def settle(self) -> None:
        """Do what the end of an execution causes."""
        self.clock.run(max_steps=1_000)

    def close(self) -> None:
        self._service.close()

    def status(self, arn: str) -> str:
        return str(self.stepfunctions.describe_execution(executionArn=arn)["status"])

    def jobs(self) -> list[tuple[str, str]]:
        """Return name and status of each job, in the order of submission."""
        filters = [{"name": "JOB_NAME", "values": ["*"]}]
        jobs = self.batch.list_jobs(jobQueue="queue", filters=filters)["jobSummaryList"]
        return [(job["jobName"], job["status"]) for job in reversed(jobs)]

    def _publish(self, event: AwsEvent) -> None:
        if self.publishes_events:
            self._service.on_event(event)

    def _definition(self, functions: InProcessFunctions) -> str:
        queue, definition = create_queue_and_definition(
            self.batch,
            retryStrategy={"attempts": self.attempts},
            timeout={"attemptDurationSeconds": self.timeout_seconds},
        )
        values = {
            "Partition": "aws",
            "JobQueueArn": queue,
            "JobDefinitionArn": definition,
            "JobLogGroupName": LOG_GROUP,
            **{f"{name}FunctionArn": functions.arn(name) for name in HANDLERS},
        }
        text = ASL_FILE.read_text()
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text


def create_queue_and_definition(
    client: Any, *, queue: str = "queue", definition: str = "job", **members: Any
) -> tuple[str, str]:
    """Create a job queue and a job definition, and return their ARNs."""
    client.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        computeResources={"type": "FARGATE", "maxvCpus": 100, "subnets": ["subnet-1"]},
    )
    order = [{"order": 1, "computeEnvironment": "environment"}]
    created = client.create_job_queue(jobQueueName=queue, priority=1, computeEnvironmentOrder=order)
    registered = client.register_job_definition(
        jobDefinitionName=definition, type="container", containerProperties=CONTAINER, **members
    )
    return created["jobQueueArn"], registered["jobDefinitionArn"]


def _parameter(task: Task) -> str:
    (argument,) = [word for word in task.command if word.startswith("--parameter=")]
    return argument.removeprefix("--parameter=")
