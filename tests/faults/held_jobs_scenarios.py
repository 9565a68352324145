"""Scenarios of Lambda actions whose jobs are held open: the same deployments, and the worker that answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepline.localaws.events import AwsEvent
from tests.faults.network import Network
from tests.faults.pipeline_parts import OPEN_JOBS_TABLE, TRIGGER, WORKER
from tests.faults.pipeline_scenarios import PipelineScenario
from tests.faults.pipeline_world import PipelineWorld
from tests.faults.schedule import Fault, Schedule
from tests.faults.sites import Site, possible_classes
from tests.faults.worker_world import WorkerWorld, is_matched_by

_HOLD_MINUTES = 10
_SWEEP_SECONDS = 180
"""[pipeline/template.yaml: HeldJobsRule]"""

_NEEDED_FOR_A_RESULT = frozenset({"PutJobSuccessResult", "PutJobFailureResult", "Scan"})
"""Without one of these the worker cannot report a result, or finds no job if the event is lost. It tries
again until CodePipeline gives up."""

_NO_JOB_IS_READ = "dynamodb:Scan was denied"
"""No job is known then that could fail with this."""

_SETTINGS = {"HOLD_MINUTES": str(_HOLD_MINUTES), "OPEN_JOBS_TABLE": OPEN_JOBS_TABLE}


class HeldJobsWorld(WorkerWorld):
    """`continuation_seconds` is short, so that the second job begins while the execution runs.

    `loses_status_events`: the worker gets no event of the execution's end.
    """

    continuation_seconds = 1
    loses_status_events = False

    def __init__(
        self, network: Network, schedule: Schedule, *, settings: Mapping[str, str], **options: Any
    ) -> None:
        super().__init__(network, schedule, settings={**_SETTINGS, **settings}, **options)
        self.deploy_worker(settings)

    def wakes_the_worker(self, event: AwsEvent) -> bool:
        if is_matched_by("ExecutionEnded", event):
            return not self.loses_status_events
        return is_matched_by("LambdaActionEnded", event)

    def start_pipeline(self) -> str:
        self.clock.call_later(_SWEEP_SECONDS, self._sweep_held_jobs)
        return super().start_pipeline()

    def _sweep_held_jobs(self) -> None:
        self.deliver({"detail-type": "Held Jobs"})
        if any(item["status"] in {"InProgress", "Stopping"} for item in self.pipeline_executions):
            self.clock.call_later(_SWEEP_SECONDS, self._sweep_held_jobs)


class LostEventsWorld(HeldJobsWorld):
    loses_status_events = True


@dataclass(frozen=True)
class HeldJobsScenario(PipelineScenario):
    loses_status_events: bool = False

    @property
    def world_class(self) -> type[PipelineWorld]:
        return LostEventsWorld if self.loses_status_events else HeldJobsWorld

    def violations(self, world: PipelineWorld, expected: Any) -> list[str]:
        denied = {operation.name for operation in world.denials}
        found = [
            text
            for text in super().violations(world, expected)
            if not ("got no result" in text and denied & _NEEDED_FOR_A_RESULT)
            and not text.startswith(_NO_JOB_IS_READ)
        ]
        if not world.schedule.injections:
            found += _is_held_as_meant(world, self)
        return found + [
            f"the item {item['firstJob']['S']} is never deleted"
            for item in world.dynamodb.items(OPEN_JOBS_TABLE)
            if "expires" not in item
        ]

    def fault_classes(self, site: Site | None) -> Mapping[str, tuple[Fault, ...]]:
        if site is not None and site.function == WORKER:
            return possible_classes(site, is_trigger=False, is_worker=True)
        return super().fault_classes(site)

    def is_common_start(self, functions: tuple[str, ...]) -> bool:
        return False


def _is_held_as_meant(world: PipelineWorld, scenario: HeldJobsScenario) -> list[str]:
    """Without faults, the worker reports the result of a job that could be held, and of no other."""
    last = [call.function for call in world.calls if call.operation.name.startswith("PutJob")][-1:]
    wanted = [TRIGGER if scenario.output_artifact else WORKER]
    return [] if last == wanted else [f"the result was reported by {last} and not {wanted}"]


_CASES = (
    HeldJobsScenario("held_job/new_stack", "new_stack"),
    HeldJobsScenario("held_job/update", "update"),
    HeldJobsScenario("held_job/refused", "removal_refused"),
    HeldJobsScenario("held_job/variables", "update", {"outputVariables": {"Stack": "stackName"}}),
    HeldJobsScenario("held_job/output_artifact", "update", output_artifact=True),
    HeldJobsScenario("held_job/events_lost", "update", loses_status_events=True),
    HeldJobsScenario("held_job/deadline", "busy_stack_never_ends", {"timeoutMinutes": 1}, is_of_trigger=True),
)


def scenarios() -> dict[str, HeldJobsScenario]:
    """Return the scenarios by name."""
    return {scenario.name: scenario for scenario in _CASES}
