"""Several pipelines in one simulated AWS, moved step by step, with users and other processes interfering."""

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
from tests.fakes.cloudformation.stacks import OTHER_PROCESS
from tests.faults.functions import Call
from tests.faults.network import Network, Reply
from tests.faults.pipeline_parts import TRIGGER, Source, pipeline_declaration
from tests.faults.pipeline_world import JobResult, PipelineWorld
from tests.faults.schedule import Fault, Schedule
from tests.interleavings import pushes
from tests.statemachines.deploy.machine import artifact

MAX_STEPS = 100_000
"""The steps of the clock until nothing is left to do: some hundred for each pipeline execution."""

_TERMINAL = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"})


@dataclass(frozen=True)
class Plan:
    """A pipeline; its repository has the same name. Pipelines may share a stack."""

    name: str
    mode: str
    stack: str


class Interference(enum.StrEnum):
    """What users and other processes do, now or in the middle of a call."""

    EVENT_REPEATED = "event repeated"  # an earlier event of the trigger
    PIPELINE_STARTED = "pipeline started"  # with the latest push
    PIPELINE_STOPPED = "pipeline stopped"
    PIPELINE_ABANDONED = "pipeline abandoned"
    STAGE_RETRIED = "stage retried"
    EXECUTION_STOPPED = "execution stopped"
    EXECUTION_REDRIVEN = "execution redriven"
    STACK_UPDATED = "stack updated"
    STACK_DELETED = "stack deleted"


class Repositories(Source):
    """The source of every pipeline: the latest push to its repository."""

    def __init__(self) -> None:
        super().__init__()
        self._archives: dict[str, bytes] = {}

    def push(self, repository: str, files: Mapping[str, str]) -> None:
        self._archives[repository] = artifact(files)

    def fetch(self, configuration: Mapping[str, str], revision: Revision) -> Any:
        return io.BytesIO(self._archives[configuration["RepositoryName"]])


class World(PipelineWorld):
    """It moves between `open` and `close`. `pushed`: the kind of each revision.

    `accepted`: the calls whose job result was accepted and got a response. `hit`: the faults of calls so far.
    `disturbed`: stacks with interference.
    """

    def __init__(self, network: Network, plans: Iterable[Plan], *, accept_seconds: float = 0) -> None:
        self.repositories = Repositories()
        super().__init__(network, Schedule("interleavings"), source=self.repositories)
        self.plans = {plan.name: plan for plan in plans}
        self.pushed: list[pushes.Kind] = []
        self.accepted: set[int] = set()
        self.hit: list[Fault] = []
        self.disturbed: set[str] = set()
        self.cloudformation.accept_seconds = accept_seconds
        self._at_calls: dict[int, Callable[[], None]] = {}
        self._entered = contextlib.ExitStack()

    # ---------------------------------------------------------------- moving

    def open(self) -> None:
        self._entered.enter_context(self.running_functions())
        for plan in self.plans.values():
            declaration = pipeline_declaration(name=plan.name, repository=plan.name, execution_mode=plan.mode)
            self.codepipeline.create_pipeline({"pipeline": declaration})
            self.push_to(plan.name, pushes.Kind.VALID)

    def close(self) -> None:
        self.stepfunctions.close()
        self.codepipeline.close()
        self._entered.close()

    def drain(self) -> None:
        """Run until nothing is left to do, without further faults."""
        self._injections.clear()
        self._at_calls.clear()
        self.clock.run(max_steps=MAX_STEPS)

    def push_to(self, pipeline: str, kind: pushes.Kind) -> None:
        self.pushed.append(kind)
        files = pushes.files(kind, len(self.pushed) - 1, stack=self.plans[pipeline].stack)
        self.repositories.push(pipeline, files)

    def start(self, pipeline: str) -> None:
        with contextlib.suppress(AwsError):  # 50 executions at most
            self.codepipeline.start_pipeline_execution({"name": pipeline})

    # ---------------------------------------------------------------- faults and interference

    def plan_fault(self, calls_ahead: int, fault: Fault) -> None:
        """Let a later call of any function fail."""
        self._injections[len(self.calls) + calls_ahead] = fault

    def plan_interference(self, calls_ahead: int, kind: Interference, which: int) -> None:
        """Interfere in the middle of a later call."""
        self._at_calls[len(self.calls) + calls_ahead] = lambda: self.interfere(kind, which)

    def interfere(self, kind: Interference, which: int) -> None:
        """Do it to the target with this number, the latest first; nothing if there is no target."""
        targets = self._targets(kind)
        if targets:
            with contextlib.suppress(AwsError):  # too late, or too early
                self._interfere(kind, targets[which % len(targets)])

    def _needs_http(self, _call: Call) -> bool:
        """Return True: any call may have a fault or interference."""
        return True

    def attempt(self, http: AWSPreparedRequest) -> Reply:
        call = self.invocation.calls[-1]
        if call.attempts == 0:
            if call.number in self._injections:
                self.hit.append(self._injections[call.number])
            self._at_calls.pop(call.number, lambda: None)()
        reply = super().attempt(http)
        if call.operation.service == "codepipeline" and reply.status == HTTPStatus.OK:
            self.accepted.add(call.number)
        return reply

    def stack_of(self, execution: Any) -> str:
        return str(json.loads(execution.input)["stackName"])

    def _targets(self, kind: Interference) -> list[Any]:
        match kind:
            case Interference.EVENT_REPEATED:
                events = [item for item in self.functions.invocations if item.function == TRIGGER]
                return [item.event for item in reversed(events) if not item.is_repeat]
            case Interference.PIPELINE_STARTED:
                return list(self.plans)
            case Interference.PIPELINE_STOPPED | Interference.PIPELINE_ABANDONED:
                return self._executions_of_pipelines("InProgress", "Stopping")
            case Interference.STAGE_RETRIED:
                return self._executions_of_pipelines("Failed", "Stopped")
            case Interference.EXECUTION_STOPPED:
                return [item for item in self.executions if item.running]
            case Interference.EXECUTION_REDRIVEN:
                return [item for item in self.executions if not item.running]
            case Interference.STACK_UPDATED | Interference.STACK_DELETED:
                return [item for item in reversed(self.cloudformation.stacks) if item.status in _TERMINAL]

    def _interfere(self, kind: Interference, target: Any) -> None:
        match kind:
            case Interference.EVENT_REPEATED:
                self.repeat(TRIGGER, target)
            case Interference.PIPELINE_STARTED:
                self.start(target)
            case Interference.PIPELINE_STOPPED | Interference.PIPELINE_ABANDONED:
                self.stop_pipeline(*target, abandon=kind is Interference.PIPELINE_ABANDONED)
            case Interference.STAGE_RETRIED:
                self.retry_stage(*target)
            case Interference.EXECUTION_STOPPED:
                self._disturb(self.stack_of(target))
                self.stepfunctions.stop_execution({"executionArn": target.arn, "cause": "stopped by hand"})
            case Interference.EXECUTION_REDRIVEN:
                self._disturb(self.stack_of(target))
                self.stepfunctions.redrive_execution({"executionArn": target.arn})
            case Interference.STACK_UPDATED if target.status != "ROLLBACK_COMPLETE":
                self._disturb(target.name)
                self.cloudformation.update_by_another_process(target.name)
            case Interference.STACK_DELETED:
                self._disturb(target.name)
                self.cloudformation.delete_stack(StackName=target.id, ClientRequestToken=OTHER_PROCESS)

    def stop_pipeline(self, pipeline: str, execution_id: str, *, abandon: bool) -> None:
        self._disturb(self.plans[pipeline].stack)
        super().stop_pipeline(pipeline, execution_id, abandon=abandon)

    def _disturb(self, stack: str) -> None:
        self.disturbed.add(stack.removeprefix(pushes.STACK_PREFIX))

    def _executions_of_pipelines(self, *statuses: str) -> list[tuple[str, str]]:
        """Return (pipeline, execution id) of those with one of the statuses."""
        return [
            (name, item["pipelineExecutionId"])
            for name in self.plans
            for item in self.summaries(name)
            if item["status"] in statuses
        ]

    # ---------------------------------------------------------------- what happened

    @property
    def pipeline_executions(self) -> list[dict[str, Any]]:
        """The executions of all pipelines."""
        return [item for name in self.plans for item in self.summaries(name)]

    @property
    def final_results(self) -> list[JobResult]:
        return [result for result in self.results if result.is_final]
