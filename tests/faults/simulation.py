"""One pipeline with a Deploy action, from the push to the end, with everything that a schedule lets happen.

Real: the handlers and their AWS clients, the state machine, the local CodePipeline and Step
Functions. Fake: CloudFormation, S3, Lambda, and time.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from pipeline import trigger
from pipeline.settings import load_settings
from statemachines.deploy import settings as deploy_settings
from stepline.localaws.clock import VirtualClock
from stepline.localaws.codepipeline import CodePipeline, ServiceClients, Settings
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import AwsError, JsonService
from stepline.localaws.stepfunctions import StepFunctions
from tests.faults import functions
from tests.faults.functions import Call, Functions, Invocation
from tests.faults.kinds import Fault, Schedule
from tests.faults.logs import captured_logs
from tests.faults.network import ENVIRONMENT, Direct, Network, Operation, Receiver, Reply
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
from tests.faults.wire import bytes_of, cut_short, metadata, present, refusal, text_of, throttle
from tests.statemachines.fake_client import FakeAwsError
from tests.statemachines.fake_cloudformation import FakeCloudFormation
from tests.statemachines.machine import ENVIRONMENT as DEPLOY_ENVIRONMENT
from tests.statemachines.machine import TASKS, definition, load_handler
from tests.statemachines.machine import function_name as task_function

CONTINUATION_SECONDS = 60
TRIGGER_TIMEOUT_SECONDS = 360.0  # template.yaml
TASK_TIMEOUT_SECONDS = 60.0
MAX_STEPS = 5_000


@dataclass(frozen=True)
class Answer:
    """A PutJob* that CodePipeline has taken."""

    job_id: str
    operation: str
    parameters: Mapping[str, Any]

    @property
    def is_final(self) -> bool:
        return "continuationToken" not in self.parameters


class Simulation(Receiver):
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
        self.schedule = schedule
        self.clock = VirtualClock()
        self.calls: list[Call] = []
        self.answers: list[Answer] = []
        self.events: list[AwsEvent] = []
        self.log = io.StringIO()
        self.s3 = S3()
        self.push_source = Push()
        self.cloudformation = FakeCloudFormation(clock=self.clock, s3=self.s3)  # type: ignore[arg-type]
        self.function_faults: list[Any] = []
        self.started: list[str] = []
        self.denied: set[Operation] = set()
        self.work_done = 0
        self._pipeline = pipeline_declaration(user_parameters, output_artifact=output_artifact)
        self._settings = {"STATE_MACHINE_ARN": MACHINE, **(settings or {})}
        self._network = network
        self._injections = {injection.call: injection.fault for injection in schedule.injections}
        self._set_up()

    def _set_up(self) -> None:
        handlers = {task_function(task): load_handler(task) for task in TASKS}
        handlers[TRIGGER] = trigger.handler
        handlers[EXPRESS_TASK] = self._work
        timeouts = dict.fromkeys(handlers, TASK_TIMEOUT_SECONDS) | {TRIGGER: TRIGGER_TIMEOUT_SECONDS}
        self.functions = Functions(handlers, timeouts)
        self.stepfunctions = StepFunctions(
            clock=self.clock,
            task_clients=lambda _service: self.functions,
            events=self.events.append,
        )
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
            clock=self.clock,
            clients=ServiceClients(s3=self.s3, sts=Sts(self.clock), lambda_=self.functions),
            events=self.events.append,
            sources={"CodeCommit": self.push_source},
            settings=Settings(
                start_on_create=False, identifier_seed=1, continuation_seconds=CONTINUATION_SECONDS
            ),
        )
        self._trigger = trigger.Trigger(
            self._network.trigger, load_settings(self._settings), self._function_clock
        )

    def _work(self, _event: Any, _context: Any) -> dict[str, Any]:
        """What the Express machine does, and must not do twice."""
        self.work_done += 1
        return {"done": True}

    def _function_clock(self) -> float:
        """The time inside a function, which goes on while it waits for AWS."""
        running = self.functions.running
        return self.clock.now().timestamp() + (running[-1].elapsed_seconds if running else 0)

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

    def _after_the_end(self) -> None:
        """What a schedule has planned for later than the last call."""
        for injection in self.schedule.injections:
            if injection.call > len(self.calls):
                self._from_outside(injection.fault, None)
                self.clock.run(max_steps=MAX_STEPS)

    def start_pipeline(self) -> str:
        answer = self.codepipeline.start_pipeline_execution({"name": PIPELINE})
        return str(answer["pipelineExecutionId"])

    @contextlib.contextmanager
    def _process(self) -> Iterator[None]:
        random.seed(0)  # the jitter of retries
        warnings.filterwarnings("ignore", message="No application metrics to publish")
        with (
            mock.patch.dict(
                os.environ,
                {**ENVIRONMENT, **DEPLOY_ENVIRONMENT, "POLL_SECONDS": "30", "MAX_WAIT_MINUTES": "2"},
            ),
            mock.patch.object(trigger, "_trigger", return_value=self._trigger),
            captured_logs(self.log),
            self._network.connect(self),
        ):
            for cached in (
                deploy_settings.wait_settings,
                deploy_settings.stack_settings,
                deploy_settings.default_role_arn,
            ):
                cached.cache_clear()
            yield

    # ------------------------------------------------------------------ the network

    @property
    def running(self) -> Invocation:
        return self.functions.running[-1]

    def begin(self, operation: Operation, parameters: dict[str, Any]) -> Direct | None:
        invocation = self.running
        if invocation.dead:
            raise invocation.dead
        position = len(invocation.made) + 1
        call = Call(len(self.calls) + 1, position, invocation.function, operation, parameters)
        invocation.made.append(call)
        self.calls.append(call)
        return None if self._goes_over_http(call) else self._direct(call)

    def _goes_over_http(self, call: Call) -> bool:
        """Where nothing happens on the way, it need not be gone: it takes two thirds of a call's time."""
        is_hit = call.number in self._injections or call.operation in self.denied
        return is_hit or call.operation.service == "s3"

    def slept(self, seconds: float) -> None:
        self.running.spend(seconds)

    def attempt(self, http: AWSPreparedRequest) -> Reply:
        invocation = self.running
        call = invocation.made[-1]
        call.attempts += 1
        fault = self._injections.get(call.number)
        serve = functools.partial(self._serve, call, http)
        if fault is None or (fault.is_once and call.attempts > 1):
            return serve()
        return self._faulty(fault.lasting, invocation, call, serve)

    def _faulty(self, fault: Fault, invocation: Invocation, call: Call, serve: Callable[[], Reply]) -> Reply:
        operation = call.operation
        match fault:
            case Fault.THROTTLED:
                return throttle(operation)
            case Fault.SERVER_ERROR:
                return refusal(operation, 500, "InternalError")
            case Fault.CONNECTION_REFUSED:
                raise EndpointConnectionError(endpoint_url="the endpoint")
            case Fault.TIMED_OUT_BEFORE:
                invocation.spend(operation.read_seconds)
                raise ReadTimeoutError(endpoint_url="the endpoint")
            case Fault.TIMED_OUT_AFTER:
                serve()
                invocation.spend(operation.read_seconds)
                raise ReadTimeoutError(endpoint_url="the endpoint")
            case Fault.CUT_SHORT:
                return cut_short(operation, serve())
            case Fault.KILLED_BEFORE:
                invocation.kill(functions.crash())
            case Fault.KILLED_AFTER:
                serve()
                invocation.kill(functions.crash())
            case Fault.FUNCTION_TIMED_OUT_BEFORE:
                invocation.spend(invocation.timeout_seconds)
            case Fault.FUNCTION_TIMED_OUT_AFTER:
                serve()
                invocation.spend(invocation.timeout_seconds)
            case Fault.ACCESS_DENIED:
                self.denied.add(operation)
            case Fault.REPEATED_AFTER:
                reply = serve()
                if call.attempts == 1:
                    self._repeat(invocation.function, invocation.event)
                return reply
            case _ if call.attempts == 1:
                self._from_outside(fault, invocation)
        return serve()

    def _from_outside(self, fault: Fault, invocation: Invocation | None) -> None:
        with contextlib.suppress(AwsError):  # there may be nothing to stop or to retry
            match fault:
                case Fault.REPEATED_BEFORE if invocation is not None:
                    self._repeat(invocation.function, invocation.event)
                case Fault.LATE:
                    for event in self.first_events:
                        self._repeat(TRIGGER, event)
                case Fault.EXECUTION_STOPPED:
                    for arn in self.execution_arns:
                        self.stepfunctions.stop_execution({"executionArn": arn, "cause": "stopped by hand"})
                case Fault.EXECUTION_EXPIRED:
                    self.stepfunctions._executions.forget_machine(MACHINE)
                case Fault.EXECUTION_REDRIVEN:
                    for arn in self.execution_arns:
                        self.stepfunctions.redrive_execution({"executionArn": arn})
                case Fault.PIPELINE_STOPPED | Fault.PIPELINE_ABANDONED:
                    abandon = fault is Fault.PIPELINE_ABANDONED
                    self._stop(PIPELINE, self._first_pipeline_execution, abandon=abandon)
                case Fault.PIPELINE_SUPERSEDED:
                    self.start_pipeline()
                case Fault.STAGE_RETRIED:
                    self._retry(PIPELINE, self._first_pipeline_execution)

    def _repeat(self, function: str, event: Any) -> None:
        """A second run of the function, from beginning to end, at this moment of the first."""
        timeout_seconds = self.functions.timeouts[function]
        self.functions.run(Invocation(function, event, timeout_seconds, is_repeat=True))

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

    # ------------------------------------------------------------------ the services

    def _serve(self, call: Call, http: AWSPreparedRequest) -> Reply:
        operation = call.operation
        if operation in self.denied:
            self.running.denied.append(operation)
            return refusal(operation, 403, "AccessDenied")
        if operation.service == "s3":
            stored = self.s3.handle(http)
            return Reply(stored.status_code, stored.raw.read(), dict(stored.headers))
        if operation.service == "cloudformation":
            return self._cloudformation(call)
        headers = {name.lower(): text_of(value) for name, value in http.headers.items()}
        before = len(self.executions)
        response = self._service(call).handle(headers, bytes_of(http.body))
        if response.status == 200:
            self._note(call, before)
        return Reply(response.status, response.body, dict(response.headers))

    def _direct(self, call: Call) -> Direct:
        """What the call comes to, without the way over HTTP."""
        call.attempts = 1
        try:
            answer = self._answered(call)
        except (FakeAwsError, AwsError) as error:
            details = {"Error": {"Code": error.code, "Message": error.message}}
            return SimpleNamespace(status_code=error.status), details | metadata(error.status)
        return SimpleNamespace(status_code=200), {**present(answer), **metadata(200)}

    def _answered(self, call: Call) -> Mapping[str, Any]:
        model = self._network.model(call.operation)
        if call.operation.service == "cloudformation":
            return self.cloudformation.answer(model, dict(call.parameters))
        before = len(self.executions)
        answer = self._service(call).call(model, dict(call.parameters))
        self._note(call, before)
        return answer or {}

    def _service(self, call: Call) -> JsonService:
        return self.stepfunctions if call.operation.service == "stepfunctions" else self.codepipeline

    def _note(self, call: Call, executions_before: int) -> None:
        """What a call that was taken has started or answered."""
        if len(self.executions) > executions_before:
            self.started.append(call.parameters["name"])
        if call.operation.service == "codepipeline":
            self._record_answer(call)

    def _cloudformation(self, call: Call) -> Reply:
        try:
            parsed = dict(self._answered(call))
        except FakeAwsError as error:
            return refusal(call.operation, error.status, error.code, error.message)
        return Reply(body=f"<Answer><{call.operation.name}Result/></Answer>".encode(), parsed=parsed)

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
        book = self.codepipeline._engine.jobs
        return {job.id: job.action.id for job in book._jobs.values()}

    @property
    def execution_arns(self) -> list[str]:
        return [execution.arn for execution in self.executions]

    @property
    def executions(self) -> list[Any]:
        return list(self.stepfunctions._executions.of_machine(MACHINE))

    @property
    def pipeline_executions(self) -> list[dict[str, Any]]:
        answer = self.codepipeline.list_pipeline_executions({"pipelineName": PIPELINE})
        return list(answer["pipelineExecutionSummaries"])
