"""One pipeline with a Deploy action, from the push to its end, with everything that a schedule lets happen.

Besides what `world.py` says: the local CodePipeline is real, CloudFormation and S3 are fakes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

from pipeline import trigger
from pipeline.settings import load_settings
from statemachines.deploy import clean_up
from stepline.core.large_data import S3_REFERENCE
from stepline.localaws.codepipeline import CodePipeline, ServiceClients, Settings
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import AwsError, Params
from tests.fakes.clients import client_of
from tests.fakes.cloudformation.change_sets import FakeCloudFormation
from tests.fakes.cloudformation.stacks import OTHER_PROCESS, FakeStack
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.iam import FakeIam
from tests.fakes.notifications import FakeCloudWatch, FakeSns
from tests.fakes.service import Calls
from tests.fakes.sts import FakeSts
from tests.faults import trigger_function
from tests.faults.functions import Call, Functions, Invocation
from tests.faults.network import Network, Operation
from tests.faults.pipeline_parts import (
    CLEAN_UP,
    EXPRESS_TASK,
    LARGE_DATA_BUCKET,
    MACHINE,
    OPEN_JOBS_TABLE,
    PIPELINE,
    ROLE,
    TRIGGER,
    Source,
    express_definition,
    pipeline_declaration,
)
from tests.faults.schedule import STALE, Fault, Schedule
from tests.faults.trigger_function import EventQueue
from tests.faults.world import World
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.approvals.approvers import Approvers
from tests.statemachines.deploy.machine import APPROVALS_TABLE, FUNCTIONS, definition, load_handler
from tests.statemachines.deploy.machine import ENVIRONMENT as DEPLOY_ENVIRONMENT
from tests.statemachines.deploy.machine import function_name as task_function

CONTINUATION_SECONDS = 60
MAX_WAIT_MINUTES = "3"
"""Of the wait loops: as few as possible, so that a loop that never ends has few calls."""

EXECUTION_PREFIX = "codepipeline-"
SWEEP_SECONDS = 3600
_SWEEP = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
_ENDED = frozenset({"ABORTED", "TIMED_OUT", "FAILED"})
"""The events that invoke Clean Up."""


@dataclass(frozen=True)
class JobResult:
    """A PutJob* call that CodePipeline has accepted.

    `status`: of the action's execution at that time, which is found by the id of the action's first job;
    empty if there is none. `arn`: its ARN. `redriven`: at the same time, perhaps after the trigger had
    described the execution. `denied`: the operations that the invocation was denied before.
    """

    job_id: str
    operation: str
    parameters: Mapping[str, Any]
    status: str = ""
    arn: str = ""
    redriven: bool = False
    denied: tuple[Operation, ...] = ()

    @property
    def is_final(self) -> bool:
        return "continuationToken" not in self.parameters

    @property
    def is_success(self) -> bool:
        return self.operation == "PutJobSuccessResult"


@dataclass(frozen=True)
class StackChange:
    """A request that changed a stack, in the call with this number.

    `is_foreign`: the stack has neither the pipeline's tag nor its role, and was not handed over to it.
    `is_stale`: the action that has started the execution is known, and no longer in progress.
    """

    call: int
    operation: str
    stack_id: str
    is_foreign: bool = False
    is_stale: bool = False


class PipelineWorld(World):
    """`express_runs` counts how often the task of the Express state machine ran.

    `continuation_seconds`: from a result with a continuation token to the next job.

    `stack_changes` are those by requests. `late_starts`: executions that were started by events whose job had
    timed out. `started_meanwhile`: by a repeated event, while another invocation was running.

    Clean Up gets the status event of an execution at once, also while a task runs. `stop_in`: the executions
    are stopped just before this task runs for the first time, which no transient error lets run again then.
    `loses_events`: Clean Up gets no event but the hourly ones, which come at the end.

    `names_action`: the inputs of executions name the action, as a custom action does.
    """

    continuation_seconds: float = CONTINUATION_SECONDS

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        *,
        source: Source | None = None,
        user_parameters: str | None = None,
        settings: Mapping[str, str] | None = None,
        output_artifact: bool = False,
        stop_in: str = "",
        loses_events: bool = False,
        names_action: bool = False,
    ) -> None:
        super().__init__(network, schedule)
        self.is_stopped = bool(stop_in)
        self._stop_in = stop_in
        self._loses_events = loses_events
        self._names_action = names_action
        self.s3.now = self.clock.now
        self.s3.versioned = {LARGE_DATA_BUCKET}
        self.results: list[JobResult] = []
        self.source = source or Source()
        self.cloudformation = FakeCloudFormation(clock=self.clock, s3=self.s3)
        self.sns = FakeSns()
        self.sts = FakeSts(clock=self.clock)
        self.dynamodb = FakeDynamoDb(tables=[(APPROVALS_TABLE, "id"), (OPEN_JOBS_TABLE, "firstJob")])
        self.cloudwatch = FakeCloudWatch()
        self.function_calls = Calls()  # cases with faults of functions are no scenarios
        self.express_runs = 0
        self._declaration = pipeline_declaration(user_parameters, output_artifact=output_artifact)
        handlers = {task_function(task): load_handler(task) for task in FUNCTIONS}
        handlers[TRIGGER] = trigger.handler
        handlers[CLEAN_UP] = clean_up.handler
        handlers[EXPRESS_TASK] = self._run_express_task
        deployed = trigger_function.configuration()
        timeouts = dict.fromkeys(handlers, deployed.task_timeout_seconds)
        timeouts |= {TRIGGER: deployed.timeout_seconds, CLEAN_UP: trigger_function.CLEAN_UP_TIMEOUT_SECONDS}
        self.functions = Functions(handlers, timeouts, self._admit)
        self._retry_seconds = deployed.retry_seconds
        self.approvers = Approvers(self.clock, self.sts, self.functions)
        self.approvers.attach(self.sns)
        self.event_queue = EventQueue(self.clock)
        self.late_starts: list[str] = []
        self.started_meanwhile: list[str] = []
        self.stack_changes: list[StackChange] = []
        self.cloudformation.on_change = self._record_stack_change
        self.stepfunctions = build_stepfunctions(self.clock, self.task_client, events=self.publish)
        for machine in (
            {"name": "deploy", "definition": definition(self.functions)},
            {"name": "quick", "definition": express_definition(self.functions), "type": "EXPRESS"},
        ):
            self.stepfunctions.create_state_machine({**machine, "roleArn": ROLE})
        self.codepipeline = CodePipeline(
            Context(self.clock, self.publish),
            clients=ServiceClients(
                s3=SimpleNamespace(put_object=self._put_artifact),
                sts=FakeSts(clock=self.clock),  # without clients: they would take a tenth of the time
                lambda_=self.functions,
            ),
            sources={"CodeCommit": self.source},
            settings=Settings(
                start_on_create=False,
                identifier_seed=1,
                continuation_seconds=self.continuation_seconds,
                retry_seconds=deployed.retry_seconds,
            ),
        )
        self.machines = (MACHINE,)
        self.services = {
            "s3": self.s3,
            "cloudformation": self.cloudformation,
            "iam": FakeIam(),
            "dynamodb": self.dynamodb,
            "sns": self.sns,
            "sts": self.sts,
            "stepfunctions": self.stepfunctions,
            "codepipeline": self.codepipeline,
        }
        trigger_settings = load_settings({"STATE_MACHINE_ARN": MACHINE, **(settings or {})})
        if names_action:
            self._name_action_in_inputs()
        self._trigger = trigger.Trigger(network.trigger, trigger_settings, self.function_clock)

    def task_client(self, service: str) -> Any:
        clients = {"sns": self.sns, "cloudwatch": self.cloudwatch}
        return client_of(clients[service]) if service in clients else super().task_client(service)

    def _admit(self, function: str, event: Any) -> bool:
        """Return whether Lambda runs the function now: the next call is the first one of the invocation."""
        if function == self._stop_in:
            self._stop_in = ""
            self.apply(Fault.EXECUTION_STOPPED)
        if function != TRIGGER:
            return True
        next_call = len(self.calls) + 1
        if self._injections.get(next_call) in trigger_function.QUEUED_SECONDS:
            self.event_queue.throttle(self._injections.pop(next_call))
        return self.event_queue.admit(event)

    def publish(self, event: AwsEvent) -> None:
        """Take an event of a service, and invoke Clean Up at the end of an execution."""
        self.events.append(event)
        if event.source != "aws.states":
            return
        detail = event.detail
        if detail["status"] in _ENDED and detail["stateMachineArn"] == MACHINE and not self._loses_events:
            document = {"source": event.source, "detail-type": event.detail_type, "detail": dict(detail)}
            self._invoke_clean_up(document, self._retry_seconds)

    def _invoke_clean_up(self, event: dict[str, Any], retry_seconds: tuple[float, ...]) -> None:
        """Invoke the function as Lambda does with an event."""
        timeout_seconds = self.functions.timeouts[CLEAN_UP]
        _, error = self.functions.run(Invocation(CLEAN_UP, event, timeout_seconds))
        if error and retry_seconds:
            following = retry_seconds[1:]
            self.clock.call_later(retry_seconds[0], lambda: self._invoke_clean_up(event, following))

    def _sweep_leftovers(self) -> None:
        """Run two sweeps if events may have been lost, or old answers may have hidden something."""
        for _ in range(2 if self._loses_events or self.schedule.faults & STALE else 0):
            self.clock.advance(SWEEP_SECONDS)
            self._invoke_clean_up(_SWEEP, self._retry_seconds)
            self.settle()

    def _run_express_task(self, event: Any, _context: Any) -> dict[str, Any]:
        self.express_runs += 1
        return {"done": True, **{name: event[name] for name in (S3_REFERENCE,) if name in event}}

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
            self._sweep_leftovers()
            self.stepfunctions.close()
            self.codepipeline.close()

    def start_pipeline(self) -> str:
        response = self.codepipeline.start_pipeline_execution({"name": PIPELINE})
        return str(response["pipelineExecutionId"])

    @contextlib.contextmanager
    def running_functions(self) -> Iterator[None]:
        environment = {**DEPLOY_ENVIRONMENT, "POLL_SECONDS": "30", "MAX_WAIT_MINUTES": MAX_WAIT_MINUTES}
        with (
            mock.patch.object(trigger, "_trigger", return_value=self._trigger),
            mock.patch.object(clean_up, "time", SimpleNamespace(time=self.function_clock)),
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
                case Fault.STACK_REPLACED | Fault.STACK_RECREATED | Fault.STACK_DELETED:
                    self._change_stacks(fault)
                case Fault.STAGE_RETRIED:
                    self.retry_stage(PIPELINE, self._first_pipeline_execution)
                case _:
                    super().apply(fault, invocation)

    def _change_stacks(self, fault: Fault) -> None:
        """Delete or replace all stacks, as another process does."""
        for stack in [item for item in self.cloudformation.stacks if item.status != "DELETE_COMPLETE"]:
            if fault is Fault.STACK_DELETED:
                self.cloudformation.set_status(stack, "DELETE_COMPLETE", token=OTHER_PROCESS)
            else:
                self.cloudformation.replace_stack(stack, keep_owner=fault is Fault.STACK_RECREATED)

    def late_events(self) -> list[tuple[str, Any]]:
        """Return the events of the first jobs, unless Lambda discards them for their age."""
        jobs = ((event["CodePipeline.job"]["id"], event) for event in self.first_events)
        return [(TRIGGER, event) for job_id, event in jobs if not self.event_queue.is_too_old(job_id)]

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
        before = len(self.started)
        super()._record(call, executions_before)
        if len(self.started) > before:
            self._record_start(call.parameters["name"])
        if call.operation.name.startswith("PutJob"):
            self._record_result(self._result(call))

    def _record_start(self, execution: str) -> None:
        job = self.codepipeline._jobs.get(self.invocation.job_id)
        age_seconds = self.event_queue.age_seconds(job.id)
        if not job.action.in_progress and age_seconds > Settings.job_timeout_seconds:
            self.late_starts.append(execution)
        if len(self.functions.running) > 1:
            self.started_meanwhile.append(execution)

    def _result(self, call: Call) -> JobResult:
        execution = self.execution_of(call.parameters["jobId"])
        return JobResult(
            call.parameters["jobId"],
            call.operation.name,
            call.parameters,
            status=execution.status.value if execution else "",
            arn=execution.arn if execution else "",
            redriven=execution is not None and execution.redrive_date == self.clock.now(),
            denied=tuple(self.invocation.denied),
        )

    def _record_result(self, result: JobResult) -> None:
        self.results.append(result)

    def _record_stack_change(self, operation: str, stack: FakeStack) -> None:
        change = StackChange(
            len(self.calls),
            operation,
            stack.id,
            is_foreign=_is_foreign(stack),
            is_stale=self._names_action and operation != "AddStack" and not self._is_action_in_progress(),
        )
        self.stack_changes.append(change)

    def _name_action_in_inputs(self) -> None:
        start = self.stepfunctions.start_execution

        def start_execution(params: Params) -> Params:
            document = json.loads(params["input"])
            document["codepipeline"] |= self._named_action(params["name"])
            return start({**params, "input": json.dumps(document)})

        self.stepfunctions.start_execution = start_execution  # type: ignore[method-assign]

    def _named_action(self, execution: str) -> dict[str, str]:
        action = self.codepipeline._jobs.get(execution.removeprefix(EXECUTION_PREFIX)).action
        return {
            "pipelineName": PIPELINE,
            "pipelineExecutionId": action.execution.id,
            "stage": "Deploy",
            "action": "Deploy",
        }

    def _is_action_in_progress(self) -> bool:
        """Return whether the action of the execution whose task runs is in progress, perhaps again."""
        named = self._named_action(self.started[-1].rpartition(" ")[2])
        wanted = {"pipelineExecutionId": named["pipelineExecutionId"]}
        found = self.codepipeline.list_action_executions({"pipelineName": PIPELINE, "filter": wanted})
        return any(
            item["actionName"] == "Deploy" and item["status"] == "InProgress"
            for item in found["actionExecutionDetails"]
        )

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

    def execution_of(self, job_id: str) -> Any:
        """Return the execution of the job's action, whose name has the id of its first job; None without."""
        actions = self.jobs_of_actions
        first = next(job for job, action in actions.items() if action == actions[job_id])
        name = f"{EXECUTION_PREFIX}{first}"
        return next((item for item in self.executions if item.name == name), None)

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


def _is_foreign(stack: FakeStack) -> bool:
    return (
        stack.tags.get("stepline:deployed-by") != DEPLOY_ENVIRONMENT["PIPELINE_STACK_NAME"]
        and stack.role_arn != DEPLOY_ENVIRONMENT["CLOUDFORMATION_ROLE_ARN"]
        and stack.name not in DEPLOY_ENVIRONMENT["ADOPTED_STACK_NAMES"].split(",")
    )
