"""Scenarios of the custom action: the same deployments as with the trigger, and what its events add."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults import pipeline_invariants, result_invariants
from tests.faults.custom_action_world import CustomActionWorld
from tests.faults.network import Network
from tests.faults.pipeline_invariants import Ending
from tests.faults.pipeline_parts import EXPRESS_MACHINE, WORKER
from tests.faults.pipeline_scenarios import LARGE, LARGE_CHARACTERS
from tests.faults.schedule import Fault, Schedule
from tests.faults.sites import Site, possible_classes
from tests.statemachines.deploy import case_runner

_ADDED_BY_WORKER = ("codepipeline", "revisionS3Bucket", "revisionS3Key")
_EXPRESS = {"STATE_MACHINE_ARN": EXPRESS_MACHINE, "EXPRESS_CLAIMS_BUCKET": "claims"}
_NEEDED_FOR_A_RESULT = frozenset(
    {"PollForJobs", "AcknowledgeJob", "PutJobSuccessResult", "PutJobFailureResult", "Scan", "UpdateItem"}
)
"""Without one of these a worker may not learn of a job, or cannot report its result."""


@dataclass(frozen=True)
class CustomActionScenario:
    """`case` is a file of `tests/statemachines/deploy/cases`; the rest is for the action and its worker."""

    name: str
    case: str
    configuration: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    output_artifact: bool = False
    continuation_seconds: float = 1
    sweep_seconds: float = 1800
    large_input: bool = False

    def world(self, network: Network, schedule: Schedule) -> CustomActionWorld:
        world = CustomActionWorld(
            network,
            schedule,
            configuration=self.configuration,
            settings=self.settings,
            output_artifact=self.output_artifact,
            continuation_seconds=self.continuation_seconds,
            sweep_seconds=self.sweep_seconds,
        )
        document = case_runner.prepare(world, case_runner.load(self.case))
        own = {name: value for name, value in document.items() if name not in _ADDED_BY_WORKER}
        if self.large_input:
            own["text"] = "x" * LARGE_CHARACTERS
        world.source.files["state_machine_input.json"] = json.dumps(own)
        world.cloudformation.forget_versions()
        return world

    def ending(self, world: CustomActionWorld) -> Ending:
        return pipeline_invariants.ending(world)

    def violations(self, world: CustomActionWorld, expected: Ending) -> list[str]:
        found = [text for check in _CHECKS for text in check(world)]
        return [*found, *pipeline_invariants.transient_faults_change_nothing(world, expected)]

    def responses(self, world: CustomActionWorld) -> list[str]:
        return [json.dumps({**result.parameters}, default=str) for result in world.results if result.is_final]

    def fault_classes(self, site: Site | None) -> Mapping[str, tuple[Fault, ...]]:
        is_worker = site is not None and site.function == WORKER
        return possible_classes(site, is_trigger=False, is_worker=is_worker)

    def is_common_start(self, functions: tuple[str, ...]) -> bool:
        return False


def _results_are_complete(world: CustomActionWorld) -> Iterator[str]:
    """An action lacks a result only if the worker was denied what it needs for one."""
    denied = {operation.name for operation in world.denials}
    for text in pipeline_invariants.always(world):
        is_missing = "got no result" in text or "still" in text
        if not (is_missing and denied & _NEEDED_FOR_A_RESULT):
            yield text


def _nothing_is_left_in_the_table(world: CustomActionWorld) -> Iterator[str]:
    """An item of an action that has ended is deleted at once, or by DynamoDB after its time to live."""
    for item in world.open_jobs:
        if "expires" not in item:
            yield f"the item {item['firstJob']['S']} is never deleted"


_CHECKS: tuple[Callable[[Any], Iterator[str]], ...] = (
    _results_are_complete,
    result_invariants.results_are_true,
    result_invariants.unknown_outcomes_are_justified,
    _nothing_is_left_in_the_table,
)

_SCENARIOS = (
    CustomActionScenario("custom_action/new_stack", "new_stack"),
    CustomActionScenario("custom_action/update", "update"),
    CustomActionScenario("custom_action/refused", "removal_refused"),
    CustomActionScenario("custom_action/output_artifact", "unchanged", output_artifact=True),
    # The next job can be polled only after the worker has waited for it: the sweep takes it.
    CustomActionScenario("custom_action/slow_job", "unchanged", continuation_seconds=120),
    CustomActionScenario(
        "custom_action/deadline", "busy_stack_never_ends", {"TimeoutMinutes": "1"}, sweep_seconds=300
    ),
    # A retried stage redrives the execution, in a fault of the class "pipeline".
    CustomActionScenario("custom_action/redrive", "removal_refused", {"Retry": "Redrive"}),
    CustomActionScenario("custom_action/express", "unchanged", settings=_EXPRESS),
    # Deploy refuses it; the Express state machine returns the reference, which the worker reads.
    CustomActionScenario("custom_action/large_input", "unchanged", large_input=True, settings=LARGE),
    CustomActionScenario(
        "custom_action/large_output",
        "unchanged",
        {"Parameters": '{"url": "https://shop"}', "OutputVariables": '{"Url": "url"}'},
        large_input=True,
        settings=_EXPRESS | LARGE,
    ),
)


def scenarios() -> dict[str, CustomActionScenario]:
    """Return the scenarios by name."""
    return {scenario.name: scenario for scenario in _SCENARIOS}
