"""The world of the custom action's worker: AWS services, jobs that wait, events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.settings import load_settings
from pipeline.worker import Worker
from pipeline.worker_settings import load_worker_settings
from stepline.localaws.protocol import Params
from tests.fakes.clients import client_of
from tests.fakes.codepipeline import FakeCustomJobs
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.s3 import FakeS3
from tests.fakes.scheduler import FakeScheduler
from tests.fakes.step_functions import FakeExecution, FakeStepFunctions
from tests.pipeline.worker_environment import OPEN_JOBS, WORKER_ENVIRONMENT
from tests.pipeline.world import (
    ACCOUNT,
    ARTIFACT_BUCKET,
    ARTIFACT_KEY,
    CLAIMS_BUCKET,
    EXPRESS,
    MACHINE,
    FakeClients,
    LambdaContext,
    job_event,
    zip_of,
)

PIPELINE_EXECUTION = "11111111-2222-3333-4444-555555555555"
RUN = {"pipeline": "shop", "execution-id": PIPELINE_EXECUTION, "stage": "Deploy", "action": "ToProd"}


_STATUSES = {"ABANDONED": "Abandoned", "CANCELED": "Abandoned", "FAILED": "Failed"}


_INVOCATION_SECONDS = 360
"""[template: the worker's Timeout]"""


@dataclass
class _TimedContext(LambdaContext):
    """The context of an invocation that begins now. `now`: returns seconds since 1970."""

    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._end = self.now() + _INVOCATION_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self._end - self.now()))


@dataclass
class _LimitedContext(LambdaContext):
    """The context of an invocation that has time for one poll and so many checks of open jobs."""

    checks: int = 0

    def get_remaining_time_in_millis(self) -> int:
        self.checks -= 1
        return super().get_remaining_time_in_millis() if self.checks >= -1 else 0


class CustomWorld:
    """One account with the worker of a custom action. `sleeps`: how long the worker waited each time."""

    def __init__(self, **environment: str) -> None:
        self.now = 1_800_000_000.0
        self.sleeps: list[float] = []
        self.stepfunctions = FakeStepFunctions(clock=lambda: self.now)
        self.stepfunctions.machines |= {MACHINE: "STANDARD", EXPRESS: "EXPRESS"}
        self.codepipeline = FakeCustomJobs(clock=lambda: self.now)
        self.dynamodb = FakeDynamoDb(tables=[(OPEN_JOBS, "firstJob")])
        self._timeouts: list[tuple[float, Any]] = []
        self.scheduler = FakeScheduler(on_schedule=self._keep_timeout)
        self.s3 = FakeS3()
        self.s3.put(ARTIFACT_BUCKET, ARTIFACT_KEY, zip_of({"state_machine_input.json": b'{"a": 1}'}))
        clients = FakeClients(client_of(self.stepfunctions), client_of(self.codepipeline), self.s3)
        clients.dynamodb = client_of(self.dynamodb)
        clients.scheduler = client_of(self.scheduler)
        environment = {
            **WORKER_ENVIRONMENT,
            **environment,
            "ALLOWED_STATE_MACHINE_ARNS": EXPRESS,
            "EXPRESS_CLAIMS_BUCKET": CLAIMS_BUCKET,
        }
        self.worker = Worker(
            clients,
            load_settings(environment),
            load_worker_settings(environment),
            clock=lambda: self.now,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def _keep_timeout(self, at: datetime, event: Any) -> None:
        self._timeouts.append((at.timestamp(), event))

    @property
    def open_jobs(self) -> list[Params]:
        """The items of the table."""
        return self.dynamodb.items(OPEN_JOBS)

    # ------------------------------------------------------------------ jobs

    def begin_action(self, **configuration: str) -> str:
        """Let CodePipeline create the first job of an action, and return its id."""
        data = job_event("")["CodePipeline.job"]["data"] | {
            "actionConfiguration": {"configuration": configuration},
            "pipelineContext": {
                "pipelineName": RUN["pipeline"],
                "pipelineExecutionId": RUN["execution-id"],
                "stage": {"name": RUN["stage"]},
                "action": {"name": RUN["action"]},
            },
        }
        for artifact in data["inputArtifacts"]:
            artifact.pop("revision", None)
        return self.codepipeline.begin({"accountId": ACCOUNT, "data": data})

    def hide_jobs_at(self, operation: str, number: int) -> None:
        """Let PollForJobs offer no job any more when this call, counted from 1, is received."""
        self._set_hidden_at(operation, number, is_hidden=True)

    def show_jobs_at(self, operation: str, number: int) -> None:
        """Let PollForJobs offer the jobs again when this call, counted from 1, is received."""
        self._set_hidden_at(operation, number, is_hidden=False)

    def _set_hidden_at(self, operation: str, number: int, *, is_hidden: bool) -> None:
        def change() -> None:
            self.codepipeline.is_hidden = is_hidden

        self.codepipeline.interference[operation, number] = change

    def end_action(self, state: str) -> None:
        """Let CodePipeline end the action without a result of the worker: its open jobs are closed."""
        self.codepipeline.attempts[-1].status = _STATUSES[state]

    def run_one(self, **configuration: str) -> str:
        """Run an action until its job is held, besides others, and return its first job's id."""
        job_id = self.begin_action(**configuration)
        self.send_started()
        return job_id

    def run_until_held(self, **configuration: str) -> tuple[str, FakeExecution]:
        """Begin an action and send its event; return its first job's id and the execution that runs."""
        job_id = self.begin_action(**configuration)
        self.send_started()
        return job_id, self.execution

    @property
    def execution(self) -> FakeExecution:
        (execution,) = self.stepfunctions.executions.values()
        return execution

    @property
    def final_result(self) -> Params | None:
        """The parameters of the call that ended the action."""
        assert len(self.results) <= 1
        return self.results[0] if self.results else None

    @property
    def results(self) -> list[Params]:
        """The same for all actions, the oldest first."""
        return [item for item in self.codepipeline.results.values() if "continuationToken" not in item]

    @property
    def continued(self) -> list[Params]:
        return [item for item in self.codepipeline.results.values() if "continuationToken" in item]

    # ---------------------------------------------------------------- events

    def send(self, event: dict[str, Any], context: LambdaContext | None = None) -> None:
        self.worker.handle(json.loads(json.dumps(event)), context or self._context())  # type: ignore[arg-type]

    def _context(self) -> LambdaContext:
        return _TimedContext(now=lambda: self.now)

    def send_started(self) -> None:
        self.send_action_event("STARTED")

    def send_action_event(self, state: str, *, attempt: int = 0) -> None:
        """Send the event of the attempt with this number, counted from 1; 0: of the newest."""
        run = self.codepipeline.attempts[attempt - 1]
        detail = {**RUN, "action-execution-id": run.id, "state": state, "type": {"owner": "Custom"}}
        self.send({"detail-type": "CodePipeline Action Execution State Change", "detail": detail})

    def send_status(self, execution: FakeExecution) -> None:
        detail = {"executionArn": execution.arn, "status": execution.status}
        self.send({"detail-type": "Step Functions Execution Status Change", "detail": detail})

    def sweep(self, *, checks: int | None = None) -> None:
        """Send the event of the schedule. `checks`: after so many open jobs, Lambda's time has passed."""
        context = None if checks is None else _LimitedContext(checks=checks)
        self.send({"detail-type": "Scheduled Event", "detail": {}}, context)

    def fire_schedules(self) -> None:
        """Send the events of the timeouts that have passed."""
        due = [item for item in self._timeouts if item[0] <= self.now]
        self._timeouts = [item for item in self._timeouts if item not in due]
        for _, event in due:
            self.send(event)

    def forget_calls(self) -> None:
        for service in (self.codepipeline, self.stepfunctions, self.dynamodb, self.scheduler):
            service.calls.clear()

    @property
    def calls(self) -> list[str]:
        """The names of all AWS calls since the last `forget_calls`, by service."""
        services = (self.codepipeline, self.stepfunctions, self.dynamodb, self.scheduler)
        return [name for service in services for name, _ in service.calls]
