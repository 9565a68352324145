"""The batch workflow as a whole, in this process: the real ASL, the real handlers, the local AWS Batch.

Only programs and time are replaced: a case says how each job ends, and a `VirtualClock` runs hours in
milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.config import Config

from statemachines.batch import explain_failure, validate_input
from stepline.localaws.batch import Batch, Outcome, Task
from stepline.localaws.clock import VirtualClock
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import AwsError, Params, in_process_client
from tests.in_process_functions import InProcessFunctions
from tests.localaws.batch.fake_containers import FakeContainers
from tests.localaws.batch.world import CONTAINER
from tests.localaws.stepfunctions.service import build_stepfunctions

PROJECT = Path(__file__).parents[3]
ASL_FILE = PROJECT / "statemachines/batch/batch.asl.json"
LOG_GROUP = "/aws/batch/stepline-batch"
ENVIRONMENT = {"MAX_CONCURRENCY": "2", "JOB_LOG_GROUP": LOG_GROUP}
HANDLERS: dict[str, Any] = {
    "ValidateInput": validate_input.handler,
    "ExplainFailure": explain_failure.handler,
}
_ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


def load_asl() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ASL_FILE.read_text())
    return document


@dataclass(frozen=True)
class Run:
    """An execution that has ended. `jobs`: name and status of each job, in the order of submission."""

    status: str
    output: Any
    error: str
    cause: str
    states: list[str]
    jobs: list[tuple[str, str]]
    events: list[str]
    most_at_once: int


class FaultyBatch(Batch):
    """`faults`: error codes with which the first submissions are refused."""

    faults: list[str]

    def submit_job(self, params: Params) -> Params:
        if self.faults:
            code = self.faults.pop(0)
            raise AwsError("told by the test", code=code, status=429 if "TooMany" in code else 500)
        return super().submit_job(params)


@dataclass
class Machine:
    """`outcomes`: what follows `--parameter=` -> how those jobs end; `seconds`: how long they run."""

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=VirtualClock)
    functions: InProcessFunctions = field(default_factory=lambda: InProcessFunctions(HANDLERS))
    attempts: int = 1
    timeout_seconds: int = 3600
    events: list[AwsEvent] = field(default_factory=list)
    batch_client: Any = None
    client: Any = None
    containers: FakeContainers = field(init=False)

    def __post_init__(self) -> None:
        self.containers = FakeContainers(
            self.clock,
            outcome=lambda task: self.outcomes.get(_parameter(task), Outcome(0)),
            run_seconds=lambda task: self.seconds.get(_parameter(task), 60.0),
        )

    def start(self, document: Any, *, name: str) -> str:
        """The execution's ARN."""
        batch = FaultyBatch(Context(self.clock, self._hear), containers=self.containers)
        batch.faults = list(self.faults)
        self.batch_client = in_process_client(batch, config=_no_retries())
        clients = {"lambda": self.functions, "batch": self.batch_client}
        self.service = build_stepfunctions(self.clock, clients.__getitem__, events=self.events.append)
        self.client = in_process_client(self.service)
        machine = self.client.create_state_machine(
            name="batch", definition=self._definition(), roleArn="arn:aws:iam::000000000000:role/machine"
        )
        answer = self.client.start_execution(
            stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(document)
        )
        return str(answer["executionArn"])

    def run(self, document: Any, *, name: str = "run") -> Run:
        arn = self.start(document, name=name)
        try:
            self.clock.run(until=lambda: self.status(arn) in _ENDED)
            self.clock.run(max_steps=1_000)  # what the end brings about
            return self._result(arn)
        finally:
            self.service.close()

    def status(self, arn: str) -> str:
        return str(self.client.describe_execution(executionArn=arn)["status"])

    def jobs(self) -> list[tuple[str, str]]:
        jobs = self.batch_client.list_jobs(jobQueue="queue", filters=[{"name": "JOB_NAME", "values": ["*"]}])[
            "jobSummaryList"
        ]
        return [(job["jobName"], job["status"]) for job in reversed(jobs)]

    def _hear(self, event: AwsEvent) -> None:
        self.service.on_event(event)

    def _definition(self) -> str:
        queue, definition = self._set_up_batch()
        values = {
            "JobQueueArn": queue,
            "JobDefinitionArn": definition,
            "JobLogGroupName": LOG_GROUP,
            **{f"{name}FunctionArn": self.functions.arn(name) for name in HANDLERS},
        }
        text = ASL_FILE.read_text()
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    def _set_up_batch(self) -> tuple[str, str]:
        client = self.batch_client
        client.create_compute_environment(
            computeEnvironmentName="environment",
            type="MANAGED",
            computeResources={"type": "FARGATE", "maxvCpus": 100, "subnets": ["subnet-1"]},
        )
        queue = client.create_job_queue(
            jobQueueName="queue",
            priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "environment"}],
        )
        definition = client.register_job_definition(
            jobDefinitionName="job",
            type="container",
            containerProperties=CONTAINER,
            retryStrategy={"attempts": self.attempts},
            timeout={"attemptDurationSeconds": self.timeout_seconds},
        )
        return queue["jobQueueArn"], definition["jobDefinitionArn"]

    def _result(self, arn: str) -> Run:
        answer = self.client.describe_execution(executionArn=arn)
        history = self.client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        return Run(
            status=answer["status"],
            output=json.loads(answer["output"]) if "output" in answer else None,
            error=answer.get("error", ""),
            cause=answer.get("cause", ""),
            states=[
                event["stateEnteredEventDetails"]["name"]
                for event in history
                if event["type"].endswith("StateEntered")
            ],
            jobs=self.jobs(),
            events=[event["type"] for event in history],
            most_at_once=self.containers.most_running,
        )


def _parameter(task: Task) -> str:
    (word,) = [word for word in task.command if word.startswith("--parameter=")]
    return word.removeprefix("--parameter=")


def _no_retries() -> Config:
    return Config(retries={"total_max_attempts": 1})
