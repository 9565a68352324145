"""One pipeline with a Deploy action, from the push to the end, with everything that a schedule lets happen.

Real: the handlers and their AWS clients, the state machine, the local CodePipeline and Step
Functions. Fake: CloudFormation, S3, Lambda, and time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

from pipeline import trigger
from pipeline.settings import load_settings
from stepline.localaws.codepipeline import CodePipeline, ServiceClients, Settings
from stepline.localaws.context import Context
from stepline.localaws.protocol import AwsError
from tests.faults.functions import Call, Functions, Invocation
from tests.faults.kinds import Fault, Schedule
from tests.faults.network import Network
from tests.faults.surroundings import (
    EXPRESS_TASK,
    MACHINE,
    PIPELINE,
    ROLE,
    S3,
    TRIGGER,
    Push,
    Sts,
    express_definition,
    pipeline_declaration,
)
from tests.faults.world import MAX_STEPS, World
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.fake_cloudformation import FakeCloudFormation
from tests.statemachines.machine import ENVIRONMENT as DEPLOY_ENVIRONMENT
from tests.statemachines.machine import TASKS, definition, load_handler
from tests.statemachines.machine import function_name as task_function

CONTINUATION_SECONDS = 60
TRIGGER_TIMEOUT_SECONDS = 360.0  # template.yaml
TASK_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """A PutJob* that CodePipeline has taken."""

    job_id: str
    operation: str
    parameters: Mapping[str, Any]

    @property
    def is_final(self) -> bool:
        return "continuationToken" not in self.parameters


class Simulation(World):
    """Arrange it, then `run`; what happened can be read from the services and the records here."""

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        *,
        user_parameters: str | None = None,
        settings: Mapping[str, str] | None = None,
        output_artifact: bool = False,
    ) -> None:
        super().__init__(network, schedule)
        self.answers: list[Answer] = []
        self.s3 = S3()
        self.push_source = Push()
        self.cloudformation = FakeCloudFormation(clock=self.clock, s3=self.s3)  # type: ignore[arg-type]
        self.function_faults: list[Any] = []
        self.work_done = 0
        self._pipeline = pipeline_declaration(user_parameters, output_artifact=output_artifact)
        self._settings = {"STATE_MACHINE_ARN": MACHINE, **(settings or {})}
        self._set_up()

    def _set_up(self) -> None:
        handlers = {task_function(task): load_handler(task) for task in TASKS}
        handlers[TRIGGER] = trigger.handler
        handlers[EXPRESS_TASK] = self._work
        timeouts = dict.fromkeys(handlers, TASK_TIMEOUT_SECONDS) | {TRIGGER: TRIGGER_TIMEOUT_SECONDS}
        self.functions = Functions(handlers, timeouts)
        self.stepfunctions = build_stepfunctions(self.clock, self.task_client, events=self.events.append)
        self.stepfunctions.create_state_machine(
            {"name": "deploy", "definition": definition(self.functions), "roleArn": ROLE}
        )
        self.stepfunctions.create_state_machine(
            {
                "name": "quick",
                "type": "EXPRESS",
                "definition": express_definition(self.functions),
                "roleArn": ROLE,
            }
        )
        self.codepipeline = CodePipeline(
            Context(self.clock, self.events.append),
            clients=ServiceClients(s3=self.s3, sts=Sts(self.clock), lambda_=self.functions),
            sources={"CodeCommit": self.push_source},
            settings=Settings(
                start_on_create=False, identifier_seed=1, continuation_seconds=CONTINUATION_SECONDS
            ),
        )
        self.machines = (MACHINE,)
        self.services = {
            "s3": self.s3,
            "cloudformation": self.cloudformation,
            "stepfunctions": self.stepfunctions,
            "codepipeline": self.codepipeline,
        }
        self._trigger = trigger.Trigger(
            self._network.trigger, load_settings(self._settings), self.function_clock
        )

    def _work(self, _event: Any, _context: Any) -> dict[str, Any]:
        """What the Express machine does, and must not do twice."""
        self.work_done += 1
        return {"done": True}

    # ------------------------------------------------------------------ arranging, as the deploy cases do

    def push(self, files: Mapping[str, str | bytes]) -> None:
        self.push_source.files = dict(files)

    # ------------------------------------------------------------------ running

    def run(self) -> None:
        """Everything, until nothing is left to do."""
        with self._process():
            self.codepipeline.create_pipeline({"pipeline": self._pipeline})
            self.start_pipeline()
            self.clock.run(max_steps=MAX_STEPS)
            self._after_the_end()
            self.stepfunctions.close()
            self.codepipeline.close()

    def start_pipeline(self) -> str:
        answer = self.codepipeline.start_pipeline_execution({"name": PIPELINE})
        return str(answer["pipelineExecutionId"])

    @contextlib.contextmanager
    def _process(self) -> Iterator[None]:
        environment = {**DEPLOY_ENVIRONMENT, "POLL_SECONDS": "30", "MAX_WAIT_MINUTES": "2"}
        with (
            mock.patch.object(trigger, "_trigger", return_value=self._trigger),
            self._process_with(environment, lambda: iter(())),
        ):
            yield

    # ------------------------------------------------------------------ from outside

    def _from_outside(self, fault: Fault, invocation: Invocation | None) -> None:
        with contextlib.suppress(AwsError):  # there may be nothing to stop or to retry
            match fault:
                case Fault.PIPELINE_STOPPED | Fault.PIPELINE_ABANDONED:
                    abandon = fault is Fault.PIPELINE_ABANDONED
                    self._stop(PIPELINE, self._first_pipeline_execution, abandon=abandon)
                case Fault.PIPELINE_SUPERSEDED:
                    self.start_pipeline()
                case Fault.STAGE_RETRIED:
                    self._retry(PIPELINE, self._first_pipeline_execution)
                case _:
                    super()._from_outside(fault, invocation)

    def late_events(self) -> list[tuple[str, Any]]:
        return [(TRIGGER, event) for event in self.first_events]

    def _stop(self, pipeline: str, execution_id: str, *, abandon: bool) -> None:
        self.codepipeline.stop_pipeline_execution(
            {"pipelineName": pipeline, "pipelineExecutionId": execution_id, "abandon": abandon}
        )

    def _retry(self, pipeline: str, execution_id: str) -> None:
        self.codepipeline.retry_stage_execution(
            {
                "pipelineName": pipeline,
                "stageName": "Deploy",
                "pipelineExecutionId": execution_id,
                "retryMode": "FAILED_ACTIONS",
            }
        )

    @property
    def _first_pipeline_execution(self) -> str:
        return str(self.pipeline_executions[-1]["pipelineExecutionId"])

    def _note(self, call: Call, executions_before: int) -> None:
        super()._note(call, executions_before)
        if call.operation.service == "codepipeline":
            self._record_answer(call)

    def _record_answer(self, call: Call) -> None:
        self.answers.append(Answer(call.parameters["jobId"], call.operation.name, call.parameters))

    # ------------------------------------------------------------------ what happened

    @property
    def first_events(self) -> list[Any]:
        """Of each action's first job."""
        events = [item.event for item in self.functions.invocations if item.function == TRIGGER]
        first = {
            event["CodePipeline.job"]["id"]: event
            for event in events
            if "continuationToken" not in event["CodePipeline.job"]["data"]
        }
        return list(first.values())

    @property
    def jobs_of_actions(self) -> dict[str, str]:
        """Job id -> action execution id, oldest first."""
        return {job.id: job.action.id for job in self.codepipeline._jobs._jobs.values()}

    @property
    def pipeline_executions(self) -> list[dict[str, Any]]:
        answer = self.codepipeline.list_pipeline_executions({"pipelineName": PIPELINE})
        return list(answer["pipelineExecutionSummaries"])
