"""One pipeline with a Deploy action, from the push to its end, with everything that a schedule lets happen.

Besides what `world.py` says: the local CodePipeline is real, CloudFormation and S3 are fakes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

from pipeline import trigger
from pipeline.settings import load_settings
from stepline.localaws.codepipeline import CodePipeline, ServiceClients, Settings
from stepline.localaws.context import Context
from stepline.localaws.protocol import AwsError
from tests.fakes.clients import client_of
from tests.fakes.cloudformation.change_sets import FakeCloudFormation
from tests.fakes.iam import FakeIam
from tests.fakes.notifications import FakeCloudWatch, FakeSns
from tests.fakes.service import Calls
from tests.fakes.sts import FakeSts
from tests.faults.functions import Call, Functions, Invocation
from tests.faults.network import Network
from tests.faults.pipeline_parts import (
    EXPRESS_TASK,
    MACHINE,
    PIPELINE,
    ROLE,
    TRIGGER,
    Source,
    express_definition,
    pipeline_declaration,
)
from tests.faults.schedule import Fault, Schedule
from tests.faults.world import World
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.deploy.machine import ENVIRONMENT as DEPLOY_ENVIRONMENT
from tests.statemachines.deploy.machine import TASKS, definition, load_handler
from tests.statemachines.deploy.machine import function_name as task_function

CONTINUATION_SECONDS = 60
TRIGGER_TIMEOUT_SECONDS = 360.0  # template.yaml
TASK_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class JobResult:
    """A PutJob* call that CodePipeline has accepted."""

    job_id: str
    operation: str
    parameters: Mapping[str, Any]

    @property
    def is_final(self) -> bool:
        return "continuationToken" not in self.parameters


class PipelineWorld(World):
    """`express_runs` counts how often the task of the Express state machine ran."""

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        *,
        source: Source | None = None,
        user_parameters: str | None = None,
        settings: Mapping[str, str] | None = None,
        output_artifact: bool = False,
    ) -> None:
        super().__init__(network, schedule)
        self.results: list[JobResult] = []
        self.source = source or Source()
        self.cloudformation = FakeCloudFormation(clock=self.clock, s3=self.s3)
        self.sns = FakeSns()
        self.cloudwatch = FakeCloudWatch()
        self.function_calls = Calls()  # cases with faults of functions are no scenarios
        self.express_runs = 0
        self._declaration = pipeline_declaration(user_parameters, output_artifact=output_artifact)
        handlers = {task_function(task): load_handler(task) for task in TASKS}
        handlers[TRIGGER] = trigger.handler
        handlers[EXPRESS_TASK] = self._run_express_task
        timeouts = dict.fromkeys(handlers, TASK_TIMEOUT_SECONDS) | {TRIGGER: TRIGGER_TIMEOUT_SECONDS}
        self.functions = Functions(handlers, timeouts)
        self.stepfunctions = build_stepfunctions(self.clock, self.task_client, events=self.events.append)
        for machine in (
            {"name": "deploy", "definition": definition(self.functions)},
            {"name": "quick", "definition": express_definition(self.functions), "type": "EXPRESS"},
        ):
            self.stepfunctions.create_state_machine({**machine, "roleArn": ROLE})
        self.codepipeline = CodePipeline(
            Context(self.clock, self.events.append),
            clients=ServiceClients(
                s3=SimpleNamespace(put_object=self._put_artifact),
                sts=FakeSts(clock=self.clock),  # without clients: they would take a tenth of the time
                lambda_=self.functions,
            ),
            sources={"CodeCommit": self.source},
            settings=Settings(
                start_on_create=False, identifier_seed=1, continuation_seconds=CONTINUATION_SECONDS
            ),
        )
        self.machines = (MACHINE,)
        self.services = {
            "s3": self.s3,
            "cloudformation": self.cloudformation,
            "iam": FakeIam(),
            "stepfunctions": self.stepfunctions,
            "codepipeline": self.codepipeline,
        }
        trigger_settings = load_settings({"STATE_MACHINE_ARN": MACHINE, **(settings or {})})
        self._trigger = trigger.Trigger(network.trigger, trigger_settings, self.function_clock)

    def task_client(self, service: str) -> Any:
        clients = {"sns": self.sns, "cloudwatch": self.cloudwatch}
        return client_of(clients[service]) if service in clients else super().task_client(service)

    def _run_express_task(self, _event: Any, _context: Any) -> dict[str, Any]:
        self.express_runs += 1
        return {"done": True}

    def _put_artifact(self, *, Bucket: str, Key: str, Body: Any, **_encryption: str) -> None:
        self.s3.put(Bucket, Key, Body.read())

    def push(self, files: Mapping[str, str | bytes]) -> None:
        self.source.files = dict(files)

    def remove_function(self, name: str) -> None:
        raise NotImplementedError("cases with a missing function are no scenarios")

    # ---------------------------------------------------------------- running

    def run(self) -> None:
        """Run the pipeline until nothing is left to do."""
        with self.running_functions():
            self.codepipeline.create_pipeline({"pipeline": self._declaration})
            self.start_pipeline()
            self.settle()
            self._apply_late_faults()
            self.stepfunctions.close()
            self.codepipeline.close()

    def start_pipeline(self) -> str:
        response = self.codepipeline.start_pipeline_execution({"name": PIPELINE})
        return str(response["pipelineExecutionId"])

    @contextlib.contextmanager
    def running_functions(self) -> Iterator[None]:
        environment = {**DEPLOY_ENVIRONMENT, "POLL_SECONDS": "30", "MAX_WAIT_MINUTES": "2"}
        with (
            mock.patch.object(trigger, "_trigger", return_value=self._trigger),
            self._process(environment),
        ):
            yield

    # ---------------------------------------------------------------- what users do

    def apply(self, fault: Fault, invocation: Invocation | None = None) -> None:
        with contextlib.suppress(AwsError):  # there may be nothing to stop or to retry
            match fault:
                case Fault.PIPELINE_STOPPED | Fault.PIPELINE_ABANDONED:
                    abandon = fault is Fault.PIPELINE_ABANDONED
                    self.stop_pipeline(PIPELINE, self._first_pipeline_execution, abandon=abandon)
                case Fault.PIPELINE_SUPERSEDED:
                    self.start_pipeline()
                case Fault.STAGE_RETRIED:
                    self.retry_stage(PIPELINE, self._first_pipeline_execution)
                case _:
                    super().apply(fault, invocation)

    def late_events(self) -> list[tuple[str, Any]]:
        return [(TRIGGER, event) for event in self.first_events]

    def stop_pipeline(self, pipeline: str, execution_id: str, *, abandon: bool) -> None:
        self.codepipeline.stop_pipeline_execution(
            {"pipelineName": pipeline, "pipelineExecutionId": execution_id, "abandon": abandon}
        )

    def retry_stage(self, pipeline: str, execution_id: str) -> None:
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

    def _record(self, call: Call, executions_before: int) -> None:
        super()._record(call, executions_before)
        if call.operation.service == "codepipeline":
            self._record_result(JobResult(call.parameters["jobId"], call.operation.name, call.parameters))

    def _record_result(self, result: JobResult) -> None:
        self.results.append(result)

    # ---------------------------------------------------------------- what happened

    @property
    def first_events(self) -> list[Any]:
        """The event of each action's first job."""
        events = [item.event for item in self.functions.invocations if item.function == TRIGGER]
        first = {
            event["CodePipeline.job"]["id"]: event
            for event in events
            if "continuationToken" not in event["CodePipeline.job"]["data"]
        }
        return list(first.values())

    @property
    def jobs_of_actions(self) -> dict[str, str]:
        """The id of the action execution of each job, the oldest job first."""
        return {job.id: job.action.id for job in self.codepipeline._jobs._jobs.values()}

    @property
    def pipeline_executions(self) -> list[dict[str, Any]]:
        return self.summaries(PIPELINE)

    def summaries(self, pipeline: str) -> list[dict[str, Any]]:
        response = self.codepipeline.list_pipeline_executions({"pipelineName": pipeline})
        return list(response["pipelineExecutionSummaries"])
