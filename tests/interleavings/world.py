"""Several pipelines in one simulated AWS, moved step by step, with others who meddle in it."""

from __future__ import annotations

import contextlib
import enum
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.awsrequest import AWSPreparedRequest

from stepline.localaws.codepipeline import Revision
from stepline.localaws.protocol import AwsError
from tests.faults.functions import Call
from tests.faults.kinds import Fault, Schedule
from tests.faults.network import Network, Reply
from tests.faults.simulation import Answer, Simulation
from tests.faults.surroundings import MACHINE, TRIGGER, Push
from tests.interleavings import pushes
from tests.statemachines.machine import artifact

EXECUTION_PREFIX = "codepipeline-"
SOMEBODY = "somebody"
MAX_STEPS = 100_000
"""Of the clock, to the end of everything: some hundred for each run of a pipeline."""

_RESTING = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"})


@dataclass(frozen=True)
class Plan:
    """A pipeline: its name is also that of its repository. Pipelines may share a stack."""

    name: str
    mode: str
    stack: str


class Deed(enum.StrEnum):
    """What others do, now or in the middle of somebody's call."""

    EVENT_AGAIN = "event again"  # an event that the trigger had before, however late
    PIPELINE_STARTED = "pipeline started"  # with what was pushed last
    PIPELINE_STOPPED = "pipeline stopped"
    PIPELINE_ABANDONED = "pipeline abandoned"
    STAGE_RETRIED = "stage retried"
    EXECUTION_STOPPED = "execution stopped"
    EXECUTION_REDRIVEN = "execution redriven"
    STACK_UPDATED = "stack updated"
    STACK_DELETED = "stack deleted"


@dataclass(frozen=True)
class Told:
    """A final answer, and how the action's execution was at that moment; `status` is empty without one.

    `redriven`: at that very moment, perhaps after the trigger had looked.
    """

    answer: Answer
    status: str
    redriven: bool

    @property
    def is_success(self) -> bool:
        return self.answer.operation == "PutJobSuccessResult"


class Repositories(Push):
    """The source of every pipeline: the files that were pushed last, by repository."""

    def __init__(self) -> None:
        super().__init__()
        self._zips: dict[str, bytes] = {}

    def push(self, repository: str, files: Mapping[str, str]) -> None:
        self._zips[repository] = artifact(files)

    def fetch(self, configuration: Mapping[str, str], revision: Revision) -> Any:
        return io.BytesIO(self._zips[configuration["RepositoryName"]])


class World(Simulation):
    """Between `open` and `close` it may be moved. `pushed`: what each revision was.

    `taken`: the calls whose answer to a job was taken and came back. `hit`: the faults that met a call.
    `meddled`: stacks that others had a hand in.
    """

    def __init__(self, network: Network, plans: Iterable[Plan], *, accept_seconds: float = 0) -> None:
        self.repositories = Repositories()
        super().__init__(network, Schedule("interleavings"))
        self.plans = {plan.name: plan for plan in plans}
        self.pushed: list[pushes.Kind] = []
        self.taken: set[int] = set()
        self.told: list[Told] = []
        self.hit: list[Fault] = []
        self.meddled: set[str] = set()
        self.cloudformation.accept_seconds = accept_seconds
        self._at_calls: dict[int, Callable[[], None]] = {}
        self._entered = contextlib.ExitStack()

    def _set_up(self) -> None:
        self.push_source = self.repositories
        super()._set_up()

    # ------------------------------------------------------------------ moving

    def open(self) -> None:
        self._entered.enter_context(self._process())
        for plan in self.plans.values():
            self.codepipeline.create_pipeline({"pipeline": self._declaration(plan)})
            self.push_to(plan.name, pushes.Kind.GOOD)

    def close(self) -> None:
        self.stepfunctions.close()
        self.codepipeline.close()
        self._entered.close()

    def drain(self) -> None:
        """To the end of everything, and nothing fails any more."""
        self._injections.clear()
        self._at_calls.clear()
        self.clock.run(max_steps=MAX_STEPS)

    def push_to(self, pipeline: str, kind: pushes.Kind) -> None:
        self.pushed.append(kind)
        files = pushes.files(kind, len(self.pushed) - 1, stack=self.plans[pipeline].stack)
        self.repositories.push(pipeline, files)

    def start(self, pipeline: str) -> None:
        with contextlib.suppress(AwsError):  # 50 at a time
            self.codepipeline.start_pipeline_execution({"name": pipeline})

    # ------------------------------------------------------------------ trouble

    def arm(self, calls_ahead: int, fault: Fault) -> None:
        """That call goes wrong, whosever it is."""
        self._injections[len(self.calls) + calls_ahead] = fault

    def arm_deed(self, calls_ahead: int, deed: Deed, which: int) -> None:
        """In the middle of that call others do something."""
        self._at_calls[len(self.calls) + calls_ahead] = lambda: self.do(deed, which)

    def do(self, deed: Deed, which: int) -> None:
        """To the `which`-th thing that it can be done to, the latest first; nothing if there is none."""
        targets = self._targets(deed)
        if targets:
            with contextlib.suppress(AwsError):  # too late, or too early
                self._do(deed, targets[which % len(targets)])

    def _goes_over_http(self, _call: Call) -> bool:
        """Any call may have something happen to it."""
        return True

    def attempt(self, http: AWSPreparedRequest) -> Reply:
        call = self.running.made[-1]
        if call.attempts == 0:
            if call.number in self._injections:
                self.hit.append(self._injections[call.number])
            self._at_calls.pop(call.number, lambda: None)()
        reply = super().attempt(http)
        if call.operation.service == "codepipeline" and reply.status == HTTPStatus.OK:
            self.taken.add(call.number)
        return reply

    def stack_of(self, execution: Any) -> str:
        return str(json.loads(execution.input)["stackName"])

    def _targets(self, deed: Deed) -> list[Any]:
        match deed:
            case Deed.EVENT_AGAIN:
                events = [item for item in self.functions.invocations if item.function == TRIGGER]
                return [item.event for item in reversed(events) if not item.is_repeat]
            case Deed.PIPELINE_STARTED:
                return list(self.plans)
            case Deed.PIPELINE_STOPPED | Deed.PIPELINE_ABANDONED:
                return self._executions_of_pipelines("InProgress", "Stopping")
            case Deed.STAGE_RETRIED:
                return self._executions_of_pipelines("Failed", "Stopped")
            case Deed.EXECUTION_STOPPED:
                return [item for item in self.executions if item.running]
            case Deed.EXECUTION_REDRIVEN:
                return [item for item in self.executions if not item.running]
            case Deed.STACK_UPDATED | Deed.STACK_DELETED:
                return [item for item in reversed(self.cloudformation.stacks) if item.status in _RESTING]

    def _do(self, deed: Deed, target: Any) -> None:
        match deed:
            case Deed.EVENT_AGAIN:
                self._repeat(TRIGGER, target)
            case Deed.PIPELINE_STARTED:
                self.start(target)
            case Deed.PIPELINE_STOPPED | Deed.PIPELINE_ABANDONED:
                self._stop(*target, abandon=deed is Deed.PIPELINE_ABANDONED)
            case Deed.STAGE_RETRIED:
                self._retry(*target)
            case Deed.EXECUTION_STOPPED:
                self._meddle(self.stack_of(target))
                self.stepfunctions.stop_execution({"executionArn": target.arn, "cause": "stopped by hand"})
            case Deed.EXECUTION_REDRIVEN:
                self._meddle(self.stack_of(target))
                self.stepfunctions.redrive_execution({"executionArn": target.arn})
            case Deed.STACK_UPDATED if target.status != "ROLLBACK_COMPLETE":
                self._meddle(target.name)
                self.cloudformation.somebody_updates(target.name)
            case Deed.STACK_DELETED:
                self._meddle(target.name)
                self.cloudformation.delete_stack(StackName=target.id, ClientRequestToken=SOMEBODY)

    def _stop(self, pipeline: str, execution_id: str, *, abandon: bool) -> None:
        self._meddle(self.plans[pipeline].stack)
        super()._stop(pipeline, execution_id, abandon=abandon)

    def _meddle(self, stack: str) -> None:
        self.meddled.add(stack.removeprefix(pushes.STACK_PREFIX))

    def _executions_of_pipelines(self, *statuses: str) -> list[tuple[str, str]]:
        """(pipeline, execution id)."""
        return [
            (name, item["pipelineExecutionId"])
            for name in self.plans
            for item in self._summaries(name)
            if item["status"] in statuses
        ]

    # ------------------------------------------------------------------ what happened

    @property
    def pipeline_executions(self) -> list[dict[str, Any]]:
        """Of all pipelines."""
        return [item for name in self.plans for item in self._summaries(name)]

    def _summaries(self, pipeline: str) -> list[dict[str, Any]]:
        answer = self.codepipeline.list_pipeline_executions({"pipelineName": pipeline})
        return list(answer["pipelineExecutionSummaries"])

    def _record_answer(self, call: Call) -> None:
        super()._record_answer(call)
        answer = self.answers[-1]
        if answer.is_final:
            execution = self._execution_for(answer.job_id)
            status = execution.status.value if execution else ""
            redriven = execution is not None and execution.redrive_date == self.clock.now()
            self.told.append(Told(answer, status, redriven))

    def _execution_for(self, job_id: str) -> Any:
        """The execution of the action that the job is of; None if there is none."""
        jobs = self.jobs_of_actions
        first = next(job for job, action in jobs.items() if action == jobs[job_id])
        arn = MACHINE.replace(":stateMachine:", ":execution:") + f":{EXECUTION_PREFIX}{first}"
        return next((item for item in self.executions if item.arn == arn), None)

    def _declaration(self, plan: Plan) -> dict[str, Any]:
        """The simulation's own pipeline, under another name, with another repository."""
        source, deploy = self._pipeline["stages"]
        (action,) = source["actions"]
        configuration = {**action["configuration"], "RepositoryName": plan.name}
        source = {**source, "actions": [{**action, "configuration": configuration}]}
        return {
            **self._pipeline,
            "name": plan.name,
            "executionMode": plan.mode,
            "stages": [source, deploy],
        }
